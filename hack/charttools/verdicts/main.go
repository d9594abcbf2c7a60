// Verdicts says what GitOps tools make of Kubernetes objects: Argo CD by a health script, Flux and others by kstatus.
//
//	verdicts HEALTH_LUA < objects.json
//
// reads a JSON list of objects and prints a JSON list of the same length:
// {"kstatus": "Current", "health": {"status": "Healthy", "message": "..."}}.
//
// The script runs in the engine that Argo CD uses, with the libraries that it opens for the scripts of its users: base,
// package, table, and of os only date and time; one second, and then it is ended.
// https://github.com/argoproj/argo-cd/blob/master/util/lua/lua.go
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type verdict struct {
	Kstatus string `json:"kstatus"`
	Health  health `json:"health"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: verdicts HEALTH_LUA < objects.json")
	}
	script, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var objects []map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		return err
	}
	verdicts := make([]verdict, 0, len(objects))
	for number, object := range objects {
		judged, err := judge(string(script), object)
		if err != nil {
			return fmt.Errorf("object %d: %w", number, err)
		}
		verdicts = append(verdicts, judged)
	}
	return json.NewEncoder(os.Stdout).Encode(verdicts)
}

func judge(script string, object map[string]any) (verdict, error) {
	result, err := status.Compute(&unstructured.Unstructured{Object: whole(object).(map[string]any)})
	if err != nil {
		return verdict{}, err
	}
	said, err := ask(script, object)
	return verdict{Kstatus: result.Status.String(), Health: said}, err
}

func ask(script string, object map[string]any) (health, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.OsLibName, openClock},
	} {
		call := lua.P{Fn: state.NewFunction(library.open), Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return health{}, err
		}
	}
	deadline, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(deadline)
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(script); err != nil {
		return health{}, err
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return health{}, fmt.Errorf("the script returned a %s and no table", state.Get(-1).Type())
	}
	return health{Status: text(answer, "status"), Message: text(answer, "message")}, nil
}

// openClock leaves of the os library what can do no harm.
func openClock(state *lua.LState) int {
	lua.OpenOs(state)
	full := state.Get(-1).(*lua.LTable)
	safe := state.NewTable()
	for _, name := range []string{"date", "time"} {
		safe.RawSetString(name, full.RawGetString(name))
	}
	state.SetGlobal(lua.OsLibName, safe)
	state.Push(safe)
	return 1
}

// text is a field of the script's answer as it would be read out of JSON: what is no string does not pass for one.
func text(table *lua.LTable, name string) string {
	found, ok := table.RawGetString(name).(lua.LString)
	if !ok {
		return ""
	}
	return string(found)
}

func value(state *lua.LState, of any) lua.LValue {
	switch of := of.(type) {
	case bool:
		return lua.LBool(of)
	case float64:
		return lua.LNumber(of)
	case string:
		return lua.LString(of)
	case []any:
		table := state.CreateTable(len(of), 0)
		for _, item := range of {
			table.Append(value(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(of))
		for name, item := range of {
			table.RawSetH(lua.LString(name), value(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

// whole makes integers of the numbers that are, which kstatus insists on as the API server's decoder makes them.
func whole(of any) any {
	switch of := of.(type) {
	case float64:
		if integer := int64(of); float64(integer) == of {
			return integer
		}
	case []any:
		items := make([]any, len(of))
		for index, item := range of {
			items[index] = whole(item)
		}
		return items
	case map[string]any:
		fields := make(map[string]any, len(of))
		for name, item := range of {
			fields[name] = whole(item)
		}
		return fields
	}
	return of
}
