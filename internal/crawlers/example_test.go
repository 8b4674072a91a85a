package crawlers_test

import (
	"fmt"

	"subfive/internal/crawlers"
)

func ExampleMatch() {
	for _, agent := range []string{
		"AdsBot-Google (+http://www.google.com/adsbot.html)",
		"Mozilla/5.0 (Linux; Android 16; Pixel 9; wv) AppleWebKit/537.36 Chrome/146.0.0.0 Mobile Safari/537.36 MetaIAB Facebook",
	} {
		reason, bot := crawlers.Match(agent)
		fmt.Printf("%t %q\n", bot, reason)
	}
	// Output:
	// true "AdsBot-Google"
	// false ""
}
