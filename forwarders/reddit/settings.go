package reddit

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"subfive/forwarders"
	"subfive/identity"
)

const noTestID = "test mode needs the setting test_id: without it Reddit counts test events as real ones"

// limitedDataUse is the one mode that data_processing_options may have.
const limitedDataUse = "LDU"

// settings are what sample.yaml explains.
type settings struct {
	PixelID               string   `yaml:"pixel_id"`
	AccessToken           string   `yaml:"access_token"`
	TestID                string   `yaml:"test_id"`
	Partner               string   `yaml:"partner"`
	DefaultEventSourceURL string   `yaml:"default_event_source_url"`
	ProcessingOptions     []string `yaml:"data_processing_options"`
	ProcessingCountry     string   `yaml:"data_processing_options_country"`
	ProcessingRegion      string   `yaml:"data_processing_options_region"`
}

// complete fills in defaults and checks all of it: whatever Reddit would refuse
// for every event is refused here, where the buyer sees it.
func (s *settings) complete() error {
	s.AccessToken = strings.TrimSpace(s.AccessToken)
	if s.Partner == "" {
		s.Partner = "SUBFIVE"
	}
	return errors.Join(s.checkAccount(), s.checkRequest(), s.checkProcessing())
}

var pixelForm = regexp.MustCompile(`^[at]2_[0-9A-Za-z_-]+$`)

func (s *settings) checkAccount() error {
	switch {
	case s.PixelID == "":
		return errors.New("pixel_id is missing: Events Manager shows it, in the form a2_abc123")
	case !pixelForm.MatchString(s.PixelID):
		return fmt.Errorf("pixel_id %q has not the form a2_abc123", s.PixelID)
	case s.AccessToken == "":
		return errors.New("access_token is missing: Events Manager makes one under Conversions API")
	case strings.ContainsFunc(s.AccessToken, unsendable):
		return errors.New("access_token contains white space or other characters that no token has")
	}
	return nil
}

// unsendable reports characters that a header can't carry as they are.
func unsendable(r rune) bool { return r <= ' ' || r > '~' }

func (s *settings) checkRequest() error {
	if !regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`).MatchString(s.Partner) {
		return fmt.Errorf("partner %q is not a name in capitals", s.Partner)
	}
	if strings.ContainsFunc(s.TestID, unsendable) {
		return fmt.Errorf("test_id %q is not the ID that Event Testing shows", s.TestID)
	}
	if u := s.DefaultEventSourceURL; u != "" && !forwarders.IsPage(u) {
		return fmt.Errorf("default_event_source_url %q is not an http or https URL", u)
	}
	return nil
}

var regionForm = regexp.MustCompile(`^(?:([A-Z]{2})-)?[A-Z0-9]{1,3}$`)

func (s *settings) checkProcessing() error {
	if len(s.ProcessingOptions) > 1 || len(s.ProcessingOptions) == 1 && s.ProcessingOptions[0] != limitedDataUse {
		return fmt.Errorf("data_processing_options %q: it is [LDU], or [] for none", s.ProcessingOptions)
	}
	country, region := s.ProcessingCountry, s.ProcessingRegion
	switch {
	case country == "" && len(s.ProcessingOptions) > 0:
		return errors.New("data_processing_options_country is missing: limited data use needs it")
	case country == "" && region != "":
		return errors.New("data_processing_options_region needs data_processing_options_country")
	case country != "" && (len(country) != 2 || strings.ToUpper(identity.Country(country)) != country):
		return fmt.Errorf("data_processing_options_country %q is not a country's code of two capitals, such as US", country)
	case region == "":
		return nil
	}
	form := regionForm.FindStringSubmatch(region)
	if form == nil || form[1] != "" && form[1] != country {
		return fmt.Errorf("data_processing_options_region %q is not the code of a part of %s, such as US-CA or CA", region, country)
	}
	return nil
}
