package screens

import (
	"encoding/json"
	"fmt"
	"strings"
)

// diffLine is a line of a text before or after a change.
type diffLine struct {
	Text string
	// Added or Gone: it is only in one of the texts.
	Added, Gone bool
}

// diffLines says line by line what a change makes of a text.
func diffLines(before, after string) []diffLine {
	was, is := linesOf(before), linesOf(after)
	// common[i][j] is how many lines was[i:] and is[j:] share, in order.
	common := make([][]int, len(was)+1)
	for i := range common {
		common[i] = make([]int, len(is)+1)
	}
	for i := len(was) - 1; i >= 0; i-- {
		for j := len(is) - 1; j >= 0; j-- {
			if was[i] == is[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var all []diffLine
	for i, j := 0, 0; i < len(was) || j < len(is); {
		switch {
		case i < len(was) && j < len(is) && was[i] == is[j]:
			all = append(all, diffLine{Text: was[i]})
			i, j = i+1, j+1
		case j == len(is) || i < len(was) && common[i+1][j] >= common[i][j+1]:
			all = append(all, diffLine{Text: was[i], Gone: true})
			i++
		default:
			all = append(all, diffLine{Text: is[j], Added: true})
			j++
		}
	}
	return all
}

func linesOf(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// convert reads a part of an answer into a value of our own.
func convert(from, into any) error {
	if from == nil {
		return nil
	}
	data, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("read a part of the answer: %w", err)
	}
	return nil
}
