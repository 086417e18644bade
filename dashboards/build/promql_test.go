package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// node is a part of a PromQL expression: enough of the language for our queries,
// to find out which labels they refer to and which they return.
type node struct {
	kind     string // number, text, series, call, aggregate, binary
	name     string // metric, function or operator
	matchers []matcher
	window   string // of series: what stands in the brackets
	grouped  bool   // by (...) is there
	labels   []string
	matching string   // of a binary operator: on, ignoring or nothing
	include  []string // group_left (...)
	many     bool     // group_left is there
	args     []*node
}

var (
	aggregations = []string{"sum", "max", "min", "avg", "count", "group", "count_values", "topk", "bottomk"}
	// functions are those we use, with the number of their arguments.
	functions = map[string]int{
		"rate": 1, "increase": 1, "avg_over_time": 1, "last_over_time": 1, "histogram_quantile": 2,
		"label_replace": 5, "time": 0,
	}
	// precedence of the binary operators, the weakest first.
	precedence = [][]string{{"or"}, {"and", "unless"}, {"==", "!=", ">", "<", ">=", "<="}, {"+", "-"}, {"*", "/", "%"}}

	token = regexp.MustCompile(`^\s*("(?:[^"\\]|\\.)*"|\[[^\]]*\]|=~|!~|==|!=|>=|<=|[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|[A-Za-z_:][A-Za-z0-9_:]*|[-+*/%<>=(){},])`)
)

type parser struct{ tokens []string }

// parsePromQL parses an expression whose Grafana variables are still in it.
func parsePromQL(text string) (root *node, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			root, err = nil, fmt.Errorf("%v in %s", problem, text)
		}
	}()
	p := &parser{}
	for rest := text; strings.TrimSpace(rest) != ""; {
		found := token.FindStringSubmatchIndex(rest)
		if found == nil {
			return nil, fmt.Errorf("no token at %q in %s", rest, text)
		}
		p.tokens = append(p.tokens, rest[found[2]:found[3]])
		rest = rest[found[1]:]
	}
	root = p.binary(0)
	if len(p.tokens) > 0 {
		panic(fmt.Sprintf("%q is left over", p.tokens[0]))
	}
	return root, nil
}

func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) next() string {
	t := p.peek()
	if t == "" {
		panic("unexpected end")
	}
	p.tokens = p.tokens[1:]
	return t
}

func (p *parser) accept(t string) bool {
	if p.peek() != t {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(t string) {
	if got := p.next(); got != t {
		panic(fmt.Sprintf("%q instead of %q", got, t))
	}
}

func (p *parser) binary(level int) *node {
	if level == len(precedence) {
		return p.operand()
	}
	left := p.binary(level + 1)
	for slices.Contains(precedence[level], p.peek()) {
		b := &node{kind: "binary", name: p.next()}
		p.accept("bool")
		for _, matching := range []string{"on", "ignoring"} {
			if p.accept(matching) {
				b.matching, b.labels = matching, p.names()
			}
		}
		if p.accept("group_left") {
			b.many, b.include = true, p.names()
		}
		b.args = []*node{left, p.binary(level + 1)}
		left = b
	}
	return left
}

func (p *parser) names() []string {
	var names []string
	p.expect("(")
	for !p.accept(")") {
		names = append(names, p.next())
		p.accept(",")
	}
	return names
}

func (p *parser) operand() *node {
	t := p.next()
	switch {
	case t == "(":
		inner := p.binary(0)
		p.expect(")")
		return inner
	case t[0] == '"':
		return &node{kind: "text", name: strings.Trim(t, `"`)}
	case t[0] >= '0' && t[0] <= '9' || t == "NaN":
		return &node{kind: "number", name: t}
	case slices.Contains(aggregations, t):
		a := &node{kind: "aggregate", name: t}
		if p.accept("by") {
			a.grouped, a.labels = true, p.names()
		}
		a.args = p.arguments()
		return a
	case p.peek() == "(":
		f := &node{kind: "call", name: t, args: p.arguments()}
		if arity, known := functions[t]; !known || arity != len(f.args) {
			panic(fmt.Sprintf("%s with %d arguments is no function", t, len(f.args)))
		}
		return f
	}
	s := &node{kind: "series", name: t}
	if p.accept("{") {
		for !p.accept("}") {
			s.matchers = append(s.matchers, matcher{p.next(), p.next(), strings.Trim(p.next(), `"`)})
			p.accept(",")
		}
	}
	if strings.HasPrefix(p.peek(), "[") {
		s.window = strings.Trim(p.next(), "[]")
	}
	return s
}

func (p *parser) arguments() []*node {
	var args []*node
	p.expect("(")
	for !p.accept(")") {
		args = append(args, p.binary(0))
		p.accept(",")
	}
	return args
}

// walk calls visit for n and every part of it, with the parts that it stands in,
// the nearest last.
func (n *node) walk(visit func(n *node, parents []*node), parents ...*node) {
	visit(n, parents)
	for _, a := range n.args {
		a.walk(visit, append(slices.Clone(parents), n)...)
	}
}

// selectors are the series that the expression refers to.
func (n *node) selectors() []*node {
	var found []*node
	n.walk(func(n *node, _ []*node) {
		if n.kind == "series" {
			found = append(found, n)
		}
	})
	return found
}
