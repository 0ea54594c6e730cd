// Package configs holds what ships with Filo and is read at run time: the
// manual configuration, the default flow, its prompts in English and Italian
// and the hold music. All of it is embedded, so that the program runs alone;
// dashboards and alert rules beside it are for operators to install.
package configs
