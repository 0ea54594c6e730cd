package journal

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireNoZero fails for a struct with a zero field.
func requireNoZero(t *testing.T, v any) {
	t.Helper()
	x := reflect.ValueOf(v)
	for i := range x.NumField() {
		require.False(t, x.Field(i).IsZero(), "%s is not in the test", x.Type().Field(i).Name)
	}
}

// eachField calls f with a copy of v for each field, which is changed.
func eachField[T any](t *testing.T, v T, f func(name string, changed T)) {
	t.Helper()
	for i := range reflect.TypeFor[T]().NumField() {
		c := v
		x := reflect.ValueOf(&c).Elem().Field(i)
		switch {
		case x.Kind() == reflect.Bool:
			x.SetBool(true)
		case x.CanInt():
			x.SetInt(3)
		case x.CanUint():
			x.SetUint(1)
		default:
			require.FailNow(t, "kind of field", x.Kind())
		}
		f(reflect.TypeFor[T]().Field(i).Name, c)
	}
}
