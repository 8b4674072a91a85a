package sources_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/sources"
)

func setup(platform string, source subfive.Source, c subfive.Campaign) subfive.Setup {
	source.ID, source.Platform = "src", platform
	c.ID, c.Source, c.Offer = "spring sale", "src", "dream"
	return subfive.Setup{
		Sources: []subfive.Source{source}, Campaigns: []subfive.Campaign{c},
		LandingPages: []subfive.LandingPage{{ID: "lp1", URL: "https://lp.example.com/a"}, {ID: "lp2", URL: "https://lp.example.com/b"}},
	}
}

func TestLinks(t *testing.T) {
	const site = "https://trk.example.com/"
	for name, tt := range map[string]struct {
		platform        string
		source          subfive.Source
		campaign        subfive.Campaign
		url, suffix, js string
	}{
		"Meta": {
			platform: "meta",
			url: "https://trk.example.com/c/spring%20sale?platform_campaign_id={{campaign.id}}&platform_campaign_name={{campaign.name}}&adset_id={{adset.id}}" +
				"&adset_name={{adset.name}}&ad_id={{ad.id}}&ad_name={{ad.name}}&placement={{placement}}&p1={{site_source_name}}",
		},
		"TikTok, under the names of ads that already run": {
			platform: "tiktok",
			source: subfive.Source{
				Names:  map[string]string{"ad_id": "sub3", "p2": "zone"},
				Params: map[string]string{"adset_name": "", "ad_name": "", "platform_campaign_name": "", "zone": "a b&c", "sub3": "__CID_NAME__", "fixed": "1"},
			},
			url: "https://trk.example.com/c/spring%20sale?platform_campaign_id=__CAMPAIGN_ID__&adset_id=__AID__&sub3=__CID_NAME__&placement=__PLACEMENT__&fixed=1&zone=a%20b%26c",
		},
		"Google gets its landing page, and no link of ours": {
			platform: "google",
			campaign: subfive.Campaign{Paths: []subfive.Path{{ID: "direct"}, {ID: "b", Landing: "lp2"}}},
			url:      "https://lp.example.com/b",
			suffix: "sf_campaign=spring+sale&platform_campaign_id={campaignid}&adset_id={adgroupid}&ad_id={creative}&placement={placement}" +
				"&keyword={keyword}&match_type={matchtype}&p1={network}&p2={device}",
			js: `<script async src="https://trk.example.com/subfive.js?c=spring+sale"></script>`,
		},
		"a source nobody knows": {platform: "other", url: "https://trk.example.com/c/spring%20sale"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := sources.Build(setup(tt.platform, tt.source, tt.campaign), "spring sale", site)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tt.url, tt.suffix, tt.js}, []string{l.URL, l.Suffix, l.Script}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGoogleNeedsALandingPage(t *testing.T) {
	l, err := sources.Build(setup("google", subfive.Source{}, subfive.Campaign{}), "spring sale", "https://trk.example.com")
	if !errors.Is(err, sources.ErrNoLandingPage) || strings.Contains(l.URL, "/c/") {
		t.Errorf("got %q, %v", l.URL, err)
	}
	if _, err := sources.Build(subfive.Setup{}, "nobody", ""); !errors.Is(err, subfive.ErrNotFound) {
		t.Errorf("an unknown campaign: %v", err)
	}
}

// Each token names a dimension that clicks are read by, once.
func TestTemplatesSpeakOneVocabulary(t *testing.T) {
	for _, platform := range []string{"google", "meta", "reddit", "tiktok"} {
		seen := map[string]bool{}
		for _, token := range sources.Find(platform).Tokens {
			known := false
			for _, d := range subfive.Dimensions() {
				known = known || d == token.Dimension
			}
			if !known || seen[token.Dimension] || token.Token == "" {
				t.Errorf("%s: %+v", platform, token)
			}
			seen[token.Dimension] = true
		}
		if len(seen) == 0 {
			t.Errorf("%s has no tokens", platform)
		}
	}
}

func ExampleBuild() {
	s := subfive.Setup{
		Sources:   []subfive.Source{{ID: "reddit-us", Platform: "reddit"}},
		Campaigns: []subfive.Campaign{{ID: "spring", Source: "reddit-us", Offer: "dream"}},
	}
	l, err := sources.Build(s, "spring", "https://trk.example.com")
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(l.URL)
	// Output: https://trk.example.com/c/spring?platform_campaign_id={{CAMPAIGN_ID}}&adset_id={{ADGROUP_ID}}&ad_id={{AD_ID}}
}
