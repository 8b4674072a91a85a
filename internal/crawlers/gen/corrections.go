package main

// corrections are the package's patterns that the browsers of people match, and
// what stands in their place; "" leaves them out. What stands in a pattern's
// place must still match the package's samples of it.
var corrections = map[string]string{
	// Meta's in-app browser on Android, where most paid clicks come from.
	`MetaIAB Facebook`: "",
	// The build of Android 15 for OPPO and OnePlus phones.
	`AP3A\.240617\.008`: "",

	// In-app browsers and browsers of the same name: Blackboard's, Freespoke's and
	// Viber's apps, the Cốc Cốc and the Sogou browser.
	`Blackboard`:  `Blackboard Safeassign`,
	`Freespoke\/`: `compatible; Freespoke/`,
	`Viber`:       `^Viber`,
	`coccoc`:      `coccoc(/|bot|$)`,
	`Sogou`:       `Sogou[ A-Za-z-]{1,20}[sS]pider`,

	// Phones and tablets: HTC Butterfly and Speedy, Fever Plus, Expanse,
	// ViewSonic's and Cherry Sonic, DESAY TS1008.
	`Butterfly`: `Butterfly/`,
	`speedy`:    `speedy_?spider`,
	`Fever`:     `^Fever/`,
	`Expanse`:   `^Expanse,`,
	`Sonic`:     `RankSonic|; Sonic/`,
	`008\/`:     `(^|; )008/`,

	// Apps that name their parts: "GoEuroAndroid/9.39.3 (…; okhttp/4.9.3) WebView",
	// "… Notion/2.0.23 Chrome/91.0.4472.164 Electron/…", "WIRED/3.2.3".
	`okhttp`:   `^okhttp`,
	`Notion\/`: `^Notion/`,
	`RED\/`:    `^RED/`,
}
