package moving

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf8Reader returns a table's text as UTF-8 without a byte order mark. Excel
// writes UTF-16 as "Unicode text".
func utf8Reader(r io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	skip := 0
	var order binary.ByteOrder
	switch {
	case len(head) >= 3 && head[0] == 0xEF && head[1] == 0xBB && head[2] == 0xBF:
		skip = 3
	case len(head) >= 2 && head[0] == 0xFF && head[1] == 0xFE:
		skip, order = 2, binary.LittleEndian
	case len(head) >= 2 && head[0] == 0xFE && head[1] == 0xFF:
		skip, order = 2, binary.BigEndian
	case len(head) == 4 && head[1] == 0 && head[3] == 0 && head[0] != 0:
		order = binary.LittleEndian
	case len(head) == 4 && head[0] == 0 && head[2] == 0 && head[1] != 0:
		order = binary.BigEndian
	case len(head) == 4 && head[0] == 'P' && head[1] == 'K' && head[2] == 3:
		return nil, errors.New("it is a workbook or an archive, no text; save the sheet as CSV UTF-8")
	}
	if _, err := in.Discard(skip); err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if order == nil {
		return in, nil
	}
	return bufio.NewReaderSize(&utf16Reader{in: in, order: order}, 64<<10), nil
}

// utf16Reader turns UTF-16 into UTF-8.
type utf16Reader struct {
	in    *bufio.Reader
	order binary.ByteOrder
	out   []byte // not yet given
	err   error
}

// Read gives what is decoded, and decodes a character at a time when there is
// none. Half a surrogate becomes U+FFFD.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) < len(p) && u.err == nil {
		var c rune
		if c, u.err = u.rune(); u.err == nil {
			u.out = utf8.AppendRune(u.out, c)
		}
	}
	n := copy(p, u.out)
	u.out = u.out[:copy(u.out, u.out[n:])]
	if n == 0 && len(p) > 0 {
		return 0, u.err
	}
	return n, nil
}

func (u *utf16Reader) rune() (rune, error) {
	var b [2]byte
	if _, err := io.ReadFull(u.in, b[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, errors.New("the file ends in half a character")
		}
		return 0, err
	}
	c := rune(u.order.Uint16(b[:]))
	if !utf16.IsSurrogate(c) {
		return c, nil
	}
	low, err := u.in.Peek(2)
	if err != nil {
		return utf8.RuneError, nil //nolint:nilerr // the next read says it again
	}
	full := utf16.DecodeRune(c, rune(u.order.Uint16(low)))
	if full != utf8.RuneError {
		if _, err := u.in.Discard(2); err != nil {
			return 0, err
		}
	}
	return full, nil
}
