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
	"regexp"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"
)

// The values of the setting api.
const (
	apiDataManager = "data_manager"
	apiGoogleAds   = "google_ads"
)

// defaultAPIVersion is the one that Google's libraries have; newer ones take the
// same uploads.
const defaultAPIVersion = "v25"

var versionPattern = regexp.MustCompile(`^v[1-9][0-9]$`)

const defaultTokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // an endpoint, no credential

// settings are what sample.yaml explains.
type settings struct {
	API                string      `yaml:"api"`
	CustomerID         string      `yaml:"customer_id"`
	LoginCustomerID    string      `yaml:"login_customer_id"`
	ConversionActionID string      `yaml:"conversion_action_id"`
	Credentials        credentials `yaml:"credentials"`
	UserData           bool        `yaml:"user_data"`
	IPAddress          bool        `yaml:"ip_address"`
	// The two below are google_ads' alone.
	APIVersion     string `yaml:"api_version"`
	DeveloperToken string `yaml:"developer_token"`
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
	c := &s.Credentials
	for _, v := range []*string{&c.ClientID, &c.ClientSecret, &c.RefreshToken, &c.TokenURL, &s.DeveloperToken} {
		*v = strings.TrimSpace(*v)
	}
	s.CustomerID = strings.ReplaceAll(s.CustomerID, "-", "") // as Google Ads shows it
	s.LoginCustomerID = strings.ReplaceAll(s.LoginCustomerID, "-", "")
	return errors.Join(s.checkAPI(), s.checkAccount(), c.check())
}

func (s *settings) checkAPI() error {
	switch s.API {
	case "", apiDataManager:
		s.API = apiDataManager
		if s.APIVersion != "" || s.DeveloperToken != "" {
			return errors.New("api_version and developer_token belong to api: google_ads; delete them, or set api")
		}
		return nil
	case apiGoogleAds:
		if s.APIVersion == "" {
			s.APIVersion = defaultAPIVersion
		}
		switch {
		case !versionPattern.MatchString(s.APIVersion):
			return fmt.Errorf("api_version %q is not of the form %s", s.APIVersion, defaultAPIVersion)
		case s.IPAddress:
			return errors.New("ip_address: the Google Ads API takes addresses of allowlisted accounts only; delete it, or use api: data_manager")
		}
		return nil
	}
	return fmt.Errorf("api %q is neither %s nor %s", s.API, apiDataManager, apiGoogleAds)
}

// scopes are what the credentials must have been given. With google_ads what
// Data Manager took before can still be asked about.
func (s *settings) scopes() []string {
	if s.API == apiGoogleAds {
		return []string{scopeAds, scopeDataManager}
	}
	return []string{scopeDataManager}
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
func (c credentials) source(scopes []string) (source, error) {
	if c.ServiceAccountFile != "" {
		return c.serviceAccount(scopes)
	}
	config := &oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, Scopes: scopes,
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
func (c credentials) serviceAccount(scopes []string) (source, error) {
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
	config := &jwt.Config{Email: key.Email, PrivateKey: []byte(key.PrivateKey), PrivateKeyID: key.KeyID, Scopes: scopes, TokenURL: defaultTokenURL}
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
