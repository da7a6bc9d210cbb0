package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"time"

	jmespath "github.com/jmespath/go-jmespath"
	"gopkg.in/yaml.v3"
)

// in: {"op":"scalar|rewrite|jmes","text":..., "path":...}
func show(v interface{}) interface{} {
	switch t := v.(type) {
	case nil:
		return []interface{}{"null", ""}
	case bool:
		return []interface{}{"bool", fmt.Sprint(t)}
	case int, int64, uint64:
		return []interface{}{"int", fmt.Sprint(t)}
	case float64:
		return []interface{}{"float", fmt.Sprint(math.Float64bits(t))}
	case string:
		return []interface{}{"str", t}
	case time.Time:
		return []interface{}{"time", t.Format(time.RFC3339Nano)}
	}
	return []interface{}{fmt.Sprintf("%T", v), fmt.Sprint(v)}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<28)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var q map[string]interface{}
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			panic(err)
		}
		text := q["text"].(string)
		var v interface{}
		var result map[string]interface{}
		func() {
			defer func() {
				if r := recover(); r != nil {
					result = map[string]interface{}{"error": fmt.Sprint("panic ", r)}
				}
			}()
			if q["op"] == "json" {
				json.Unmarshal([]byte(text), &v)
				b, err := yaml.Marshal(v)
				if err != nil {
					result = map[string]interface{}{"error": err.Error()}
					return
				}
				result = map[string]interface{}{"text": string(b)}
				return
			}
			if err := yaml.Unmarshal([]byte(text), &v); err != nil {
				result = map[string]interface{}{"error": err.Error()}
				return
			}
			switch q["op"] {
			case "scalar":
				result = map[string]interface{}{"value": show(v)}
			case "rewrite":
				b, err := yaml.Marshal(v)
				if err != nil {
					result = map[string]interface{}{"error": err.Error()}
					return
				}
				result = map[string]interface{}{"text": string(b)}
			case "jmes":
				if q["json"] == true {
					v = nil
					json.Unmarshal([]byte(text), &v)
				}
				r, err := jmespath.Search(q["path"].(string), v)
				if err != nil {
					result = map[string]interface{}{"error": err.Error()}
					return
				}
				b, err := json.Marshal(r)
				if err != nil {
					result = map[string]interface{}{"error": err.Error()}
					return
				}
				result = map[string]interface{}{"text": string(b)}
			}
		}()
		b, _ := json.Marshal(result)
		out.Write(b)
		out.WriteByte('\n')
	}
}
