package consent

import "strings"

// base64URL is the alphabet of GPP and TCF: six bits a letter.
const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// bits are a string's, six a letter.
type bits struct {
	text string
	at   int
}

// next returns the next bit; not ok at the end, or at a letter that is none.
func (b *bits) next() (bit int, ok bool) {
	if b.at/6 >= len(b.text) {
		return 0, false
	}
	value := strings.IndexByte(base64URL, b.text[b.at/6])
	if value < 0 {
		return 0, false
	}
	bit = value >> (5 - b.at%6) & 1
	b.at++
	return bit, true
}

// number returns the next n bits as a number.
func (b *bits) number(n int) (value int, ok bool) {
	for range n {
		bit, ok := b.next()
		if !ok {
			return 0, false
		}
		value = value<<1 | bit
	}
	return value, true
}

// fibonacci returns a number in Fibonacci's code: the bits weigh 1, 2, 3, 5, 8 …
// and two ones in a row end it. What is above maxSection is refused.
func (b *bits) fibonacci() (value int, ok bool) {
	for weight, following, last := 1, 2, 0; weight <= 2*maxSection; weight, following = following, weight+following {
		bit, ok := b.next()
		if !ok {
			return 0, false
		}
		if bit == 1 && last == 1 {
			return value, value <= maxSection
		}
		value, last = value+bit*weight, bit
	}
	return 0, false
}

// maxSection is above the ID of any section that is defined.
const maxSection = 64

// sectionIDs reads the header of a GPP string: which sections follow, in their
// order. The library reads it too, but expands ranges and numbers of any size,
// and this comes from links that anybody can write.
// https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform/blob/main/Core/Consent%20String%20Specification.md
func sectionIDs(header string) (ids []int, ok bool) {
	const headerType, version = 3, 1
	b := bits{text: header}
	if n, ok := b.number(6); !ok || n != headerType {
		return nil, false
	}
	if n, ok := b.number(6); !ok || n != version {
		return nil, false
	}
	entries, ok := b.number(12)
	if !ok || entries > maxSection {
		return nil, false
	}
	last := 0
	for range entries {
		isRange, ok := b.next()
		if !ok {
			return nil, false
		}
		step, ok := b.fibonacci()
		if !ok {
			return nil, false
		}
		first := last + step
		last = first
		if isRange == 1 {
			length, ok := b.fibonacci()
			if !ok {
				return nil, false
			}
			last += length
		}
		if last > maxSection {
			return nil, false
		}
		for id := first; id <= last; id++ {
			ids = append(ids, id)
		}
	}
	return ids, true
}
