// Command prompts makes the sound files of configs/prompts again: every text
// of the flows and of prompts.yaml is spoken by espeak-ng and brought to mu-law
// at 8 kHz by sox, and the hold music is composed here. Run it from the root
// of the repository after changing a text:
//
//	go run ./scripts/prompts
package main
