package main

import "subfive"

// The words that flags take, in the order in which people meet them.

func verdicts() []string {
	return append(conversionVerdicts(), words(
		subfive.VerdictDuplicate, subfive.VerdictPossibleDuplicate, subfive.VerdictStatusChange, subfive.VerdictPayoutChange,
		subfive.VerdictNotAConversion, subfive.VerdictQuarantined, subfive.VerdictBroken)...)
}

// conversionVerdicts are those that a conversion can have.
func conversionVerdicts() []string {
	return words(
		subfive.VerdictMatched, subfive.VerdictDirect, subfive.VerdictWaiting, subfive.VerdictUnmatched, subfive.VerdictNoClickID,
		subfive.VerdictOutsideWindow, subfive.VerdictBeforeClick, subfive.VerdictTest)
}

func readings() []string {
	return words(
		subfive.ReadingOK, subfive.ReadingDirect, subfive.ReadingForeign, subfive.ReadingEmptyClickID, subfive.ReadingLiteralMacro,
		subfive.ReadingMalformed, subfive.ReadingQuarantined)
}

func deliveryStatuses() []string {
	return words(
		subfive.DeliveryScheduled, subfive.DeliverySubmitted, subfive.DeliveryDelivered, subfive.DeliveryDead, subfive.DeliverySkipped,
		subfive.DeliveryDryRun, subfive.DeliveryTested)
}

func kinds() []string {
	return words(subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement)
}

func modes() []string { return words(subfive.ModeDryRun, subfive.ModeTest, subfive.ModeLive) }

func words[T ~string](all ...T) []string {
	texts := make([]string, len(all))
	for i, w := range all {
		texts[i] = string(w)
	}
	return texts
}
