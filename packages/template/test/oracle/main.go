// Runs templates through Go's text/template with sprig: the oracle of packages/template.
//
// Standard input is a JSON array of {"template", "data", "functions"}; standard output is an array, in the same order,
// of {"output"}, or {"error", "stage"} with the stage "parse" or "execute".
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run main.go < cases.json
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"text/template"

	"github.com/Masterminds/sprig"
)

type testCase struct {
	Template  string      `json:"template"`
	Data      interface{} `json:"data"`
	Functions string      `json:"functions"`
}

type result struct {
	Output *string `json:"output,omitempty"`
	Error  string  `json:"error,omitempty"`
	Stage  string  `json:"stage,omitempty"`
}

// required is the function that Kairos and Helm add to sprig's.
func required(message string, value interface{}) (interface{}, error) {
	if value == nil || value == "" {
		return value, errors.New(message)
	}
	return value, nil
}

func run(c testCase) result {
	t := template.New("t")
	if c.Functions != "go" {
		t = t.Funcs(sprig.TxtFuncMap()).Funcs(template.FuncMap{"required": required})
	}
	t, err := t.Parse(c.Template)
	if err != nil {
		return result{Error: err.Error(), Stage: "parse"}
	}
	var out bytes.Buffer
	if err := t.Execute(&out, c.Data); err != nil {
		return result{Error: err.Error(), Stage: "execute"}
	}
	text := out.String()
	return result{Output: &text}
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	results := make([]result, len(cases))
	for i, c := range cases {
		results[i] = run(c)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(results); err != nil {
		panic(err)
	}
}
