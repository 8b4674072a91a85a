package google

import (
	"strings"
	"testing"

	"subfive/forwarders/forwardertest"
)

func TestSettings(t *testing.T) {
	const account, action = "customer_id: 123-456-7890\n", "conversion_action_id: \"1\"\n"
	const user = "credentials: {client_id: c, client_secret: s, refresh_token: r}\n"
	withURL := func(url string) string {
		return account + action + "credentials: {client_id: c, client_secret: s, refresh_token: r, token_url: \"" + url + "\"}\n"
	}
	tests := map[string]struct{ yaml, says string }{
		"least":                     {account + action + user, ""},
		"all":                       {account + action + user + "api: data_manager\nlogin_customer_id: \"987\"\nuser_data: true\nip_address: true\n", ""},
		"the older API":             {account + action + user + "api: google_ads\nlogin_customer_id: \"987\"\nuser_data: true\napi_version: v26\ndeveloper_token: x\n", ""},
		"a version by number":       {account + action + user + "api: google_ads\napi_version: \"25\"\n", "api_version"},
		"a version that is a path":  {account + action + user + "api: google_ads\napi_version: v25/x\n", "api_version"},
		"address to the older API":  {account + action + user + "api: google_ads\nip_address: true\n", "ip_address"},
		"version of the newer API":  {account + action + user + "api_version: v1\n", "belong to api: google_ads"},
		"token for the newer API":   {account + action + user + "developer_token: x\n", "belong to api: google_ads"},
		"no such API":               {account + action + user + "api: analytics\n", "is neither data_manager nor google_ads"},
		"no account":                {action + user, "customer_id is missing"},
		"account by name":           {"customer_id: acme\n" + action + user, "customer_id"},
		"manager by name":           {account + action + user + "login_customer_id: acme\n", "login_customer_id"},
		"no action":                 {account + user, "conversion_action_id is missing"},
		"action as resource":        {account + "conversion_action_id: customers/1/conversionActions/2\n" + user, "conversion_action_id"},
		"no credentials":            {account + action, "credentials are missing"},
		"no refresh token":          {account + action + "credentials: {client_id: c, client_secret: s}\n", "need each other"},
		"both kinds":                {account + action + "credentials: {client_id: c, client_secret: s, refresh_token: r, service_account_file: f}\n", "not both"},
		"service account not there": {account + action + "credentials: {service_account_file: testdata/none.json}\n", "service_account_file"},
		"another endpoint":          {withURL("https://proxy.example.com/token"), ""},
		"a stand-in":                {withURL("http://127.0.0.1:9/google/token"), ""},
		"a stand-in by name":        {withURL("http://localhost:9/token"), ""},
		"endpoint in the clear":     {withURL("http://oauth2.googleapis.com/token"), "token_url"},
		"endpoint with a password":  {withURL("https://u:p@example.com"), "token_url"},
		"no endpoint":               {withURL("oauth2.googleapis.com"), "token_url"},
		"consent is not its own":    {account + action + user + "refuse_when: [denied]\n", "refuse_when"},
		"unknown setting":           {account + action + user + "pixel: x\n", "pixel"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Platform().New(forwardertest.Decode([]byte(tt.yaml)), nil)
			switch {
			case tt.says == "" && err != nil:
				t.Error(err)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("error %v, want one with %q", err, tt.says)
			}
		})
	}
}
