package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw asks for something that is no JSON.
func (s *site) raw(ctx context.Context, path string) io.Reader {
	s.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/api/v1/"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer test-token")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = res.Body.Close() })
	return res.Body
}

// What comes in is seen as it comes, found by any ID, exported, marked as a test
// and back.
func TestTheLogsOverTheAPI(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		tail := bufio.NewScanner(s.raw(ctx, "conversions/tail"))

		click := s.mustClick("fbclid=IwAR-one_1")
		code, _, err := s.postback(http.DefaultClient, "http://"+s.address+"/conversion?click_id="+click+"&tx_id=tx-1&payout=42.50&email=Jane%40Example.com")
		if err != nil || code != http.StatusOK {
			t.Fatal(code, err)
		}
		conversion := ""
		for conversion == "" && tail.Scan() {
			if _, rest, ok := strings.Cut(tail.Text(), `"conversion_id":"`); ok {
				conversion, _, _ = strings.Cut(rest, `"`)
			}
		}
		if !strings.HasPrefix(conversion, "cv_") {
			t.Fatalf("the tail told of no conversion: %v", tail.Err())
		}
		s.settled(20 * time.Second)

		for _, id := range []string{click, "IwAR-one_1", "tx-1", conversion, "jane%40example.com", "+1%20415%20555%200123"} {
			words := []string{`"query":`, conversion, click}
			if strings.HasPrefix(id, "+") {
				words = []string{`"items":[]`, "a phone number"}
			}
			s.wants(200, "GET", "search?q="+strings.ReplaceAll(id, "+", "%2B"), "", words...)
		}
		s.wants(200, "GET", "search?q=nobody", "", `"items":[]`, "a platform's click ID")

		s.wants(200, "GET", "deliveries/export?status=delivered,held&count=true", "", `"rows":1`)
		file, err := io.ReadAll(s.raw(ctx, "deliveries/export?status=delivered,held"))
		if err != nil || strings.Count(string(file), "\n") != 2 || !strings.HasPrefix(string(file), "delivery_id,conversion_id,") || !strings.Contains(string(file), conversion) {
			t.Errorf("exported %q, %v", file, err)
		}
		for _, kind := range []string{"postbacks", "clicks", "conversions", "deliveries", "attempts"} {
			file, err := io.ReadAll(s.raw(ctx, kind+"/export?format=parquet"))
			if err != nil || !strings.HasPrefix(string(file), "PAR1") || !strings.HasSuffix(string(file), "PAR1") {
				t.Errorf("%s as Parquet: %d bytes, %v", kind, len(file), err)
			}
		}

		counts := func() int { return s.count("SELECT CAST(sum(conversions) AS BIGINT) FROM days") }
		if counts() != 1 {
			t.Fatalf("%d conversions", counts())
		}
		s.wants(200, "POST", "conversions/"+conversion+"/test", `{"test":true}`, `"verdict":"test"`, `"told":["dl_`, `"skipped":[]`)
		s.wants(409, "POST", "conversions/"+conversion+"/test", `{"test":true}`, "is a test already")
		if counts() != 0 || s.count("SELECT CAST(sum(test_conversions) AS BIGINT) FROM days") != 1 {
			t.Errorf("the days count %d", counts())
		}
		if out := s.command(0, "conversions", "test", conversion, "--undo"); !strings.Contains(out, "is matched now") {
			t.Error(out)
		}
		if counts() != 1 || s.count("SELECT CAST(sum(test_conversions) AS BIGINT) FROM days") != 0 {
			t.Errorf("the days count %d", counts())
		}
		s.wants(404, "POST", "conversions/cv_none/test", `{"test":true}`)
		s.wants(200, "GET", "audit", "", `"action":"mark_test"`, `"old":"matched"`, `"new":"test"`)
	})
}
