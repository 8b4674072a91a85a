package subfive

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Micros is an exact decimal amount in millionths of a currency's major unit:
// 42.50 is 42_500_000. Amounts are never floats.
type Micros int64

// Money is an amount in a currency, an ISO 4217 code in capitals.
type Money struct {
	Amount   Micros `json:"amount"`
	Currency string `json:"currency"`
}

// ErrNotANumber says that a text is not a plain decimal number.
var ErrNotANumber = errors.New("not a plain decimal number such as 42.50")

// ParseMicros reads a plain decimal: digits with at most one dot, an optional
// sign, white space around it. More than six decimals are rounded half away
// from zero. It refuses exponents, thousands separators and currency signs
// rather than guess what they meant.
func ParseMicros(s string) (Micros, error) {
	s = strings.TrimSpace(s)
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "" && frac == "" || !digits(whole) || !digits(frac) {
		return 0, ErrNotANumber
	}
	roundUp := len(frac) > 6 && frac[6] >= '5'
	frac = (frac + "000000")[:6]
	if len(whole) > 13 {
		return 0, fmt.Errorf("%w: too large", ErrNotANumber)
	}
	n, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil || n == math.MaxInt64 {
		return 0, fmt.Errorf("%w: too large", ErrNotANumber)
	}
	if roundUp {
		n++
	}
	if negative {
		n = -n
	}
	return Micros(n), nil
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// String returns the shortest exact decimal with at least two places: 42.50,
// 0.125, -3.00.
func (m Micros) String() string {
	n := uint64(m)
	sign := ""
	if m < 0 {
		sign, n = "-", -n
	}
	s := fmt.Sprintf("%s%d.%06d", sign, n/1_000_000, n%1_000_000)
	for strings.HasSuffix(s, "0") && len(s)-strings.IndexByte(s, '.') > 3 {
		s = s[:len(s)-1]
	}
	return s
}

// Mul returns m times factor, rounded half away from zero, or an error when the
// product does not fit.
func (m Micros) Mul(factor Micros) (Micros, error) {
	// Split so that the product of two amounts of ordinary size can't overflow.
	whole, frac := int64(factor)/1_000_000, int64(factor)%1_000_000
	if whole != 0 && (int64(m) > math.MaxInt64/abs(whole) || int64(m) < math.MinInt64/abs(whole)) {
		return 0, fmt.Errorf("multiply %s by %s: too large", m, factor)
	}
	q, r := int64(m)/1_000_000, int64(m)%1_000_000
	rest := q*frac + roundDiv(r*frac, 1_000_000)
	sum := int64(m)*whole + rest
	return Micros(sum), nil
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

func roundDiv(n, by int64) int64 {
	if n < 0 {
		return -((-n + by/2) / by)
	}
	return (n + by/2) / by
}

// MarshalText writes the decimal, so that JSON holds "42.50" and never a float.
func (m Micros) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (m *Micros) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMicros(string(b))
	return err
}

// Currency returns s as an ISO 4217 code in capitals, or false when it has not
// the form of one.
func Currency(s string) (string, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 3 {
		return "", false
	}
	for _, c := range []byte(s) {
		if c < 'A' || c > 'Z' {
			return "", false
		}
	}
	return s, true
}
