// Package typednil finds options that hold a nil pointer or a nil function. The root
// package has its own copy, because it imports no package of this module.
package typednil

import "reflect"

// Is reports whether an interface that is not nil holds a nil pointer or
// function, whose methods would panic.
func Is(value any) bool {
	v := reflect.ValueOf(value)
	return (v.Kind() == reflect.Pointer || v.Kind() == reflect.Func) && v.IsNil()
}
