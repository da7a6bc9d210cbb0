module x

go 1.24

require (
	github.com/jmespath/go-jmespath v0.4.0
	gopkg.in/yaml.v3 v3.0.1
)
