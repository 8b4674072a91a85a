package meta

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"subfive/forwarders"
)

const noTestCode = "test mode needs the setting test_event_code: without it Meta counts test events as real ones"

// limitedDataUse is the one value that data_processing_options may have.
const limitedDataUse = "LDU"

// settings are what sample.yaml explains.
type settings struct {
	DatasetID             string   `yaml:"dataset_id"`
	AccessToken           string   `yaml:"access_token"`
	AppSecret             string   `yaml:"app_secret"`
	APIVersion            string   `yaml:"api_version"`
	TestEventCode         string   `yaml:"test_event_code"`
	PartnerAgent          string   `yaml:"partner_agent"`
	DefaultEventSourceURL string   `yaml:"default_event_source_url"`
	OmitReferrer          bool     `yaml:"omit_referrer"`
	ProcessingOptions     []string `yaml:"data_processing_options"` // nil: say nothing; empty: say "none"
	ProcessingCountry     *int     `yaml:"data_processing_options_country"`
	ProcessingState       *int     `yaml:"data_processing_options_state"`
}

// complete fills in defaults and checks all of it: whatever Meta would refuse
// for every event is refused here, where the buyer sees it.
func (s *settings) complete() error {
	s.AccessToken = strings.TrimSpace(s.AccessToken)
	s.AppSecret = strings.TrimSpace(s.AppSecret)
	if s.APIVersion == "" {
		s.APIVersion = "v26.0"
	}
	if s.PartnerAgent == "" {
		s.PartnerAgent = "subfive"
	}
	return errors.Join(s.checkAccount(), s.checkRequest(), s.checkProcessing())
}

func (s *settings) checkAccount() error {
	switch {
	case s.DatasetID == "":
		return errors.New("dataset_id is missing: the number of the dataset (pixel) in Events Manager")
	case strings.Trim(s.DatasetID, "0123456789") != "":
		return fmt.Errorf("dataset_id %q is not a number", s.DatasetID)
	case s.AccessToken == "":
		return errors.New("access_token is missing: Events Manager makes one for the dataset")
	case strings.ContainsFunc(s.AccessToken, unsendable):
		return errors.New("access_token contains white space or other characters that no token has")
	case strings.ContainsFunc(s.AppSecret, unsendable):
		return errors.New("app_secret contains white space or other characters that no secret has")
	}
	return nil
}

// unsendable reports characters that a header can't carry as they are.
func unsendable(r rune) bool { return r <= ' ' || r > '~' }

func (s *settings) checkRequest() error {
	if !regexp.MustCompile(`^v[1-9]\d?\.\d$`).MatchString(s.APIVersion) {
		return fmt.Errorf("api_version %q has not the form v26.0", s.APIVersion)
	}
	letters := 0
	for _, r := range s.PartnerAgent {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	if letters < 2 || len(s.PartnerAgent) >= 23 {
		return fmt.Errorf("partner_agent %q must have two letters or more, and fewer than 23 characters", s.PartnerAgent)
	}
	if strings.ContainsFunc(s.TestEventCode, unsendable) {
		return fmt.Errorf("test_event_code %q is not a code such as TEST12345", s.TestEventCode)
	}
	if u := s.DefaultEventSourceURL; u != "" && !forwarders.IsPage(u) {
		return fmt.Errorf("default_event_source_url %q is not an http or https URL", u)
	}
	return nil
}

func (s *settings) checkProcessing() error {
	if len(s.ProcessingOptions) > 1 || len(s.ProcessingOptions) == 1 && s.ProcessingOptions[0] != limitedDataUse {
		return fmt.Errorf("data_processing_options %q: it is [LDU], or [] for none", s.ProcessingOptions)
	}
	country, state := s.ProcessingCountry, s.ProcessingState
	if country != nil && *country != 0 && *country != 1 {
		return fmt.Errorf("data_processing_options_country %d: it is 1, the United States, or 0: Meta finds out", *country)
	}
	if state != nil && *state != 0 && (*state < 1000 || *state > 1013) {
		return fmt.Errorf("data_processing_options_state %d: it is 1000 to 1013, or 0: Meta finds out", *state)
	}
	if (country == nil) != (state == nil) {
		return errors.New("data_processing_options_country and data_processing_options_state need each other")
	}
	return nil
}
