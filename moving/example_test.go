package moving_test

import (
	"fmt"
	"strings"

	"subfive/moving"
)

func ExampleColumns() {
	table, err := moving.NewTable(strings.NewReader("Click ID;Visit time;Custom 1;Note\nabc;20.11.2026 10:15:00;x;y\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	rival := moving.Guess(moving.Clicks, table.Header)
	columns, err := moving.Columns(moving.Clicks, rival, table.Header, []string{"fbclid"}, nil)
	fmt.Println(rival, err)
	for _, c := range columns {
		fmt.Println(c.Words())
	}
	// Output:
	// bemob <nil>
	// Click ID: click_id
	// Visit time: time
	// Custom 1: p1
	// Note: left out, not known
}
