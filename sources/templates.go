package sources

import "slices"

// Token is what a platform fills in for a dimension of a click's ad.
type Token struct {
	Dimension string // of subfive.Dimensions
	Token     string
	// Unsure: no page of the platform's own that we could read spells it so;
	// compare it with what the platform offers in its editor.
	Unsure bool
}

// Template is what is known of a traffic source's links.
type Template struct {
	Platform string
	Tokens   []Token
	// Where names the place in the platform's screens where the link goes.
	Where string
	// NoRedirect: the platform opens the page itself and calls tracking links
	// beside it, so that a visitor never passes through a link of ours.
	NoRedirect bool
}

// templates are in the order of the platforms' names.
//
// Sources: Meta, "About URL parameters" (facebook.com/business/help/2360940870872492);
// TikTok, "Third party tracking" (ads.tiktok.com/help/article?aid=6669666107177041925);
// Google, "About ValueTrack parameters" (support.google.com/google-ads/answer/6305348)
// and "About parallel tracking" (support.google.com/google-ads/answer/7544674).
var templates = []Template{
	{
		Platform: "google",
		Tokens: []Token{
			{Dimension: "platform_campaign_id", Token: "{campaignid}"},
			{Dimension: "adset_id", Token: "{adgroupid}"},
			{Dimension: "ad_id", Token: "{creative}"},
			{Dimension: "placement", Token: "{placement}"},
			{Dimension: "keyword", Token: "{keyword}"},
			{Dimension: "match_type", Token: "{matchtype}"},
			{Dimension: "p1", Token: "{network}"},
			{Dimension: "p2", Token: "{device}"},
		},
		Where:      "Google Ads: the ad's Final URL is the landing page; the suffix goes into Account (or campaign) settings > Tracking > Final URL suffix",
		NoRedirect: true,
	},
	{
		Platform: "meta",
		Tokens: []Token{
			{Dimension: "platform_campaign_id", Token: "{{campaign.id}}"},
			{Dimension: "platform_campaign_name", Token: "{{campaign.name}}"},
			{Dimension: "adset_id", Token: "{{adset.id}}"},
			{Dimension: "adset_name", Token: "{{adset.name}}"},
			{Dimension: "ad_id", Token: "{{ad.id}}"},
			{Dimension: "ad_name", Token: "{{ad.name}}"},
			{Dimension: "placement", Token: "{{placement}}"},
			{Dimension: "p1", Token: "{{site_source_name}}"},
		},
		Where: "Ads Manager: the ad's Website URL; or leave the URL bare and put what follows ? into the ad's URL parameters",
	},
	{
		Platform: "reddit",
		Tokens: []Token{
			{Dimension: "platform_campaign_id", Token: "{{CAMPAIGN_ID}}", Unsure: true},
			{Dimension: "adset_id", Token: "{{ADGROUP_ID}}", Unsure: true},
			{Dimension: "ad_id", Token: "{{AD_ID}}", Unsure: true},
		},
		Where: "Reddit Ads: the ad's destination URL",
	},
	{
		Platform: "tiktok",
		Tokens: []Token{
			{Dimension: "platform_campaign_id", Token: "__CAMPAIGN_ID__"},
			{Dimension: "platform_campaign_name", Token: "__CAMPAIGN_NAME__"},
			{Dimension: "adset_id", Token: "__AID__"},
			{Dimension: "adset_name", Token: "__AID_NAME__"},
			{Dimension: "ad_id", Token: "__CID__"},
			{Dimension: "ad_name", Token: "__CID_NAME__"},
			{Dimension: "placement", Token: "__PLACEMENT__"},
		},
		Where: "TikTok Ads Manager: the ad's URL, not its tracking section",
	},
}

// Find returns what is known of a platform's links. One that is not known has no
// tokens: a source's params name those.
func Find(platform string) Template {
	i := slices.IndexFunc(templates, func(t Template) bool { return t.Platform == platform })
	if i < 0 {
		return Template{Platform: platform, Where: "the source's target URL"}
	}
	return templates[i]
}

// Templates are what is known of each platform's links.
func Templates() []Template { return slices.Clone(templates) }
