package identity_test

import (
	"fmt"

	"subfive/identity"
)

func Example() {
	normalized, ok := identity.Meta("email", "  John_Smith@Gmail.com ", "")
	fmt.Println(normalized, ok)
	fmt.Println(identity.Hash(normalized))

	_, ok = identity.Meta("phone", "07911 123456", "") // of which country?
	fmt.Println(ok)
	normalized, _ = identity.Meta("phone", "07911 123456", "United Kingdom")
	fmt.Println(normalized)
	// Output:
	// john_smith@gmail.com true
	// 62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f
	// false
	// 447911123456
}
