package alerts

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when these tests play: a Tuesday.
var noon = time.Date(2026, 11, 24, 12, 30, 0, 0, time.UTC)
