package google

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"
)

// The values of the setting api.
const (
	apiDataManager = "data_manager"
	apiGoogleAds   = "google_ads"
)

const defaultTokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // an endpoint, no credential

// signal is something a click says about what may be done with its data.
type signal string

// The signals of refuse_when.
const (
	signalDenied signal = "denied"  // consent_ad_user_data is denied
	signalGPC    signal = "sec_gpc" // the browser sent Sec-GPC: 1
	signalGPP    signal = "gpp"     // a GPP string came, whatever it says
)

// settings are what sample.yaml explains.
type settings struct {
	API                string      `yaml:"api"`
	CustomerID         string      `yaml:"customer_id"`
	LoginCustomerID    string      `yaml:"login_customer_id"`
	ConversionActionID string      `yaml:"conversion_action_id"`
	Credentials        credentials `yaml:"credentials"`
	UserData           bool        `yaml:"user_data"`
	IPAddress          bool        `yaml:"ip_address"`
	RefuseWhen         []signal    `yaml:"refuse_when"` // nil: denied
}

// credentials are a refresh token with its client, or a service account.
type credentials struct {
	ClientID           string `yaml:"client_id"`
	ClientSecret       string `yaml:"client_secret"`
	RefreshToken       string `yaml:"refresh_token"`
	ServiceAccountFile string `yaml:"service_account_file"`
	TokenURL           string `yaml:"token_url"`
}

// complete fills in defaults and checks all of it: whatever Google would refuse
// for every event is refused here, where the buyer sees it.
func (s *settings) complete() error {
	if s.RefuseWhen == nil {
		s.RefuseWhen = []signal{signalDenied}
	}
	c := &s.Credentials
	for _, v := range []*string{&c.ClientID, &c.ClientSecret, &c.RefreshToken, &c.TokenURL} {
		*v = strings.TrimSpace(*v)
	}
	s.CustomerID = strings.ReplaceAll(s.CustomerID, "-", "") // as Google Ads shows it
	s.LoginCustomerID = strings.ReplaceAll(s.LoginCustomerID, "-", "")
	return errors.Join(s.checkAPI(), s.checkAccount(), c.check(), s.checkSignals())
}

func (s *settings) checkAPI() error {
	switch s.API {
	case "", apiDataManager:
		return nil
	case apiGoogleAds:
		return errors.New("api google_ads is not supported: Google takes no new users of that upload since June 2026; use data_manager")
	}
	return fmt.Errorf("api %q is not %s", s.API, apiDataManager)
}

func (s *settings) checkAccount() error {
	switch {
	case s.CustomerID == "":
		return errors.New("customer_id is missing: the Google Ads account that owns the conversion action")
	case !digits(s.CustomerID):
		return fmt.Errorf("customer_id %q is not a number such as 123-456-7890", s.CustomerID)
	case s.LoginCustomerID != "" && !digits(s.LoginCustomerID):
		return fmt.Errorf("login_customer_id %q is not a number such as 123-456-7890", s.LoginCustomerID)
	case s.ConversionActionID == "":
		return errors.New("conversion_action_id is missing: the number after ctId= in the conversion action's address in Google Ads")
	case !digits(s.ConversionActionID):
		return fmt.Errorf("conversion_action_id %q is not a number", s.ConversionActionID)
	}
	return nil
}

func digits(s string) bool { return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == "" }

func (s *settings) checkSignals() error {
	known := []signal{signalDenied, signalGPC, signalGPP}
	for _, x := range s.RefuseWhen {
		if !slices.Contains(known, x) {
			return fmt.Errorf("refuse_when: %q is none of %v", string(x), known)
		}
	}
	return nil
}

// destination is what a request says of where its events go.
func (s *settings) destination() destination {
	d := destination{Reference: reference, Operating: account{"GOOGLE_ADS", s.CustomerID}, ActionID: s.ConversionActionID}
	if s.LoginCustomerID != "" {
		d.Login = &account{"GOOGLE_ADS", s.LoginCustomerID}
	}
	return d
}

func (c credentials) check() error {
	user := c.ClientID != "" || c.ClientSecret != "" || c.RefreshToken != ""
	switch {
	case user && c.ServiceAccountFile != "":
		return errors.New("credentials: give a refresh token with its client, or a service account, not both")
	case !user && c.ServiceAccountFile == "":
		return errors.New("credentials are missing: client_id, client_secret and refresh_token, or service_account_file")
	case user && (c.ClientID == "" || c.ClientSecret == "" || c.RefreshToken == ""):
		return errors.New("credentials: client_id, client_secret and refresh_token need each other")
	}
	if c.TokenURL == "" {
		return nil
	}
	u, err := url.Parse(c.TokenURL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return errors.New("credentials: token_url is not an https URL")
	}
	return nil
}

// loopback reports whether the host is this machine, where a stand-in may be.
func loopback(name string) bool {
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// source returns how a token is got with these credentials.
func (c credentials) source() (source, error) {
	if c.ServiceAccountFile != "" {
		return c.serviceAccount()
	}
	config := &oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, Scopes: []string{scope},
		Endpoint: oauth2.Endpoint{TokenURL: c.TokenURL, AuthStyle: oauth2.AuthStyleInParams},
	}
	if c.TokenURL == "" {
		config.Endpoint.TokenURL = defaultTokenURL
	}
	return func(ctx context.Context) (*oauth2.Token, error) {
		return config.TokenSource(ctx, &oauth2.Token{RefreshToken: c.RefreshToken}).Token()
	}, nil
}

// serviceAccount reads the key file that Google Cloud gave out.
func (c credentials) serviceAccount() (source, error) {
	data, err := os.ReadFile(c.ServiceAccountFile)
	if err != nil {
		return nil, fmt.Errorf("read service_account_file: %w", err)
	}
	var key struct {
		Type       string `json:"type"`
		Email      string `json:"client_email"`
		PrivateKey string `json:"private_key"`
		KeyID      string `json:"private_key_id"`
		TokenURL   string `json:"token_uri"`
	}
	if json.Unmarshal(data, &key) != nil { // its error might quote the key
		return nil, errors.New("service_account_file is not the JSON key of a service account")
	}
	if key.Type != "service_account" || key.Email == "" || !isPrivateKey(key.PrivateKey) {
		return nil, errors.New("service_account_file is not the JSON key of a service account: type, client_email or private_key is missing or wrong")
	}
	config := &jwt.Config{Email: key.Email, PrivateKey: []byte(key.PrivateKey), PrivateKeyID: key.KeyID, Scopes: []string{scope}, TokenURL: defaultTokenURL}
	for _, u := range []string{key.TokenURL, c.TokenURL} {
		if u != "" {
			config.TokenURL = u
		}
	}
	return func(ctx context.Context) (*oauth2.Token, error) { return config.TokenSource(ctx).Token() }, nil
}

func isPrivateKey(s string) bool {
	block, _ := pem.Decode([]byte(s))
	if block == nil {
		return false
	}
	_, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		_, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	return err == nil
}
