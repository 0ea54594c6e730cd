package number

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, region, want string }{
		{"+390612345678", "", "+390612345678"},
		{"  +39 06 1234-5678 ", "", "+390612345678"},
		{"0039 06 12345678", "", "+390612345678"},
		{"06/1234.5678", "IT", "+390612345678"},
		{"339 995 7000", "IT", "+393399957000"},
		{"(030) 123456", "DE", "+4930123456"},
		{"+44 (0)20 7946 0000", "", "+442079460000"},
		{"011 44 20 7946 0000", "US", "+442079460000"},
		{"", "IT", ""},
		{"0612345678", "", ""},             // no country
		{"200", "IT", ""},                  // an extension
		{"+39", "", ""},                    // no number
		{"++390612345678", "", ""},         // two pluses
		{"+39+0612345678", "", ""},         // a plus within
		{"+0039 0612345678", "IT", ""},     // both prefixes
		{"+ 0 39 0612345678", "", ""},      // the same, spaced
		{"+39 06 1234 5678 x12", "IT", ""}, // an extension in letters
		{"+390612345678;ext=12", "", ""},
		{"+390612345678;isub=1", "", ""},
		{"+390612345678,,12", "", ""},
		{"+390612345678@host", "", ""},
		{"+39 0612345678\r\n", "", "+390612345678"}, // trimmed: an honest paste
		{"+39 06\r\nTo: 1", "", ""},
		{"+٣٩٠٦١٢٣٤٥٦٧٨", "", ""}, // Arabic digits
		{"+39０６１２３４５６７８", "", ""}, // full-width digits
		{"＋390612345678", "", ""}, // a full-width plus
		{"anonymous", "IT", ""},
		{"0800FILO", "IT", ""},
		{"+3906" + strings.Repeat("1", 12), "", ""},
		{"+" + strings.Repeat("1 ", 30), "", ""},
	} {
		n, err := Parse(c.text, c.region)
		require.Equal(t, c.want, n.String(), "%q", c.text)
		require.Equal(t, c.want == "", err != nil, "%q: %v", c.text, err)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			require.NotContains(t, err.Error(), "0612345678", "a number in a log line")
		}
	}
}

func TestKind(t *testing.T) {
	for text, want := range map[string]Kind{
		"+390612345678": Plain, "+393399957000": Plain, "+80012345678": Plain,
		"+39899123456": Premium, "+39892424": Premium, "+39166123456": Premium, "+39144123456": Premium,
		"+499001234567": Premium, "+449098790879": Premium, "+19005551234": Premium, "+33899123456": Premium,
		"+810990123456": Premium, "+41901123456": Premium, "+979123456789": Premium, "+390900123456": Premium,
		"+39840123456":   SharedCost,
		"+8816123456789": Satellite, "+882161234567": Satellite, "+870773111632": Satellite,
		"+39895123456": Unassigned, "+3900899123456": Unassigned, "+12425551234": Unassigned,
		"+447012345678": Personal, "+39199123456": Personal,
	} {
		n, err := Parse(text, "")
		require.NoError(t, err, text)
		require.Equal(t, want, n.Kind(), text)
	}
}

func TestStyles(t *testing.T) {
	for _, c := range []struct {
		number string
		style  Style
		region string
		want   string
	}{
		{"+390612345678", E164Style, "IT", "+390612345678"},
		{"+390612345678", PlainStyle, "", "390612345678"},
		{"+390612345678", NationalStyle, "IT", "0612345678"},
		{"+393399957000", NationalStyle, "IT", "3399957000"},
		{"+442079460000", NationalStyle, "IT", "00442079460000"},
		{"+442079460000", NationalStyle, "GB", "02079460000"},
		{"+442079460000", NationalStyle, "US", "011442079460000"},
		{"+12025550123", NationalStyle, "US", "2025550123"},
		{"+12025550123", NationalStyle, "CA", "2025550123"},
		{"+493012345678", NationalStyle, "DE", "03012345678"},
	} {
		n, err := Parse(c.number, "")
		require.NoError(t, err)
		written := c.style.Write(n, c.region)
		require.Equal(t, c.want, written)
		if c.number != "+12025550123" { // a territory reads its neighbour's form only with the 1
			require.Equal(t, c.number, c.style.Read(written, c.region), "read back")
		}
	}
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		text   string
		style  Style
		region string
		want   string
	}{
		{"390612345678", PlainStyle, "IT", "+390612345678"},
		{"0612345678", PlainStyle, "IT", "+390612345678"}, // a carrier that forgot its own style
		{"0612345678", E164Style, "", "0612345678"},
		{"200", NationalStyle, "IT", "200"},
		{"112", PlainStyle, "IT", "112"},
		{"line", PlainStyle, "IT", "line"},
		{"+39800#", NationalStyle, "IT", "+39800#"},
		{"", PlainStyle, "IT", ""},
	} {
		require.Equal(t, c.want, c.style.Read(c.text, c.region), "%q", c.text)
	}
}

// FuzzParse: whatever is taken for a number is read again as the same one, and
// every style writes nothing but digits and a plus.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"+390612345678", "0039 06 1234", "(0)30-12", "+39 0900", "00", "+٣٩", "٠٦", "+1;isub=2", "011 44 20 7946 0000"} {
		f.Add(text, "IT")
		f.Add(text, "US")
	}
	f.Fuzz(func(t *testing.T, text, region string) {
		n, err := Parse(text, region)
		if err != nil {
			require.Empty(t, n.String())
			return
		}
		again, err := Parse(n.String(), "")
		require.NoError(t, err)
		require.Equal(t, n.String(), again.String())
		require.LessOrEqual(t, len(n.String()), maxDigits+1)
		for _, style := range Styles() {
			require.Empty(t, strings.Trim(strings.TrimPrefix(style.Write(n, region), "+"), "0123456789"))
		}
	})
}
