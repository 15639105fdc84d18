//! Templates of many languages, read as the configurations that they become.

mod common;

use common::outline_of;
use nginx_config_parser::{PlaceholderKind, looks_templated, parse, parse_template};

fn check(source: &str, expected: &str) {
    let document = parse_template(source.as_bytes());
    assert_eq!(outline_of(&document), expected, "{source}");
    assert_eq!(document.errors(), [], "{source}");
    assert!(looks_templated(source.as_bytes()), "{source}");
}

#[test]
fn jinja() {
    check(
        "{# by hand #}\n{% if tls and \"}\" %}\nlisten {{ port }} ssl;\n{% endif %}\n{{ extra }}\nserver_name {{ a | join(' ') }};\n{%- for o in origins %}\n~^{{ o }}$ 1;\n{% endfor -%}",
        "listen {{ port }} ssl;\nserver_name {{ a | join(' ') }};\n~^{{ o }}$ 1;\n",
    );
    check("return 301 http{% if tls %}s{% endif %}://$host;", "return 301 http{% if tls %}s{% endif %}://$host;\n");
    check("listen 80{% if a %} ssl{% endif %};", "listen 80 ssl;\n");
    check("root {{ \"a;}}b\" }}/c;", "root {{ \"a;}}b\" }}/c;\n");
    check("add_header A \"{{ a(\"b\") }}\" always;", "add_header A {{ a(\"b\") }} always;\n");
    check("server_name\n  {{ a }}\n  {{ b }};", "server_name {{ a }} {{ b }};\n");
    check("location {{ path }} {\n{{ body }}\n}", "location {{ path }} {\n}\n");
    check("a {% if b %}\"\"{% else %}c{% endif %};", "a  c;\n");
    check("a {{ b\n | c }} d;", "a {{ b\n | c }} d;\n");
}

#[test]
fn go_and_handlebars() {
    check(
        "{{- $o := .Origin }}\n{{ range $i, $x := .Servers -}}\nserver {{ $x }}:{{ .Port }};\n{{- else }}\nserver a;\n{{ end }}\n{{/* b; } */}}\n{{ template \"c\" . }}\n",
        "server {{ $x }}:{{ .Port }};\nserver a;\n",
    );
    check(
        "{{#if a}}\nlisten {{b}};\n{{else}}\nlisten 1;\n{{/if}}\n{{! c; }}\nd {{{e}}};",
        "listen {{b}};\nlisten 1;\nd {{{e}}};\n",
    );
    // What lies between two statements is one word of unknown content.
    check("a {{ if .B }}on{{ else }}off{{ end }};", "a on{{ else }}off;\n");
}

#[test]
fn erb() {
    check(
        "<% if @a -%>\nlisten <%= @port %>;\n<%- end -%>\n<%# no; } %>\nroot /<%= @b[\"c\"] %>/d;",
        "listen <%= @port %>;\nroot /<%= @b[\"c\"] %>/d;\n",
    );
}

#[test]
fn variables_of_the_shell_and_terraform() {
    let source = "listen ${PORT};\n${EXTRA}\nroot ${a}b;";
    assert_eq!(outline_of(&parse_template(source.as_bytes())), "listen ${PORT};\nroot ${a}b;\n");
    assert!(!looks_templated(source.as_bytes()), "nginx knows these");
    check("%{ if a }\nlisten ${ b[\"c\"] };\n%{~ endif ~}\n", "listen ${ b[\"c\"] };\n");
}

#[test]
fn python_format_strings() {
    let source = "server {{\n  listen {port};\n  set $a ${{host}};\n  location / {{\n    add_header A \"{origin!r}\";\n    return 200 '{{}}';\n  }}\n}}\n";
    check(
        source,
        "server {\n  listen {port};\n  set $a ${{host}};\n  location / {\n    add_header A {origin!r};\n    return 200 {};\n  }\n}\n",
    );
    let document = parse_template(source.as_bytes());
    let header = document.walk().find(|directive| directive.is("add_header")).unwrap();
    assert!(header.arg(1).unwrap().is_templated());
    assert!(!header.arg(0).unwrap().is_templated());
}

#[test]
fn values_keep_placeholders_and_spans_stay() {
    let source = "a \"\\\"{{ b|c('\\\\') }}\\\"\" d;";
    let document = parse_template(source.as_bytes());
    let word = document.directives().next().unwrap().arg(0).unwrap();
    assert_eq!(word.text(), "\"{{ b|c('\\\\') }}\"", "escapes inside a placeholder are not nginx's");
    assert_eq!(word.source_offset(1), 5);
    assert_eq!(document.placeholders().len(), 1);
    assert_eq!(document.placeholders()[0].kind, PlaceholderKind::Expression);
    assert_eq!(document.text(document.placeholders()[0].span), "{{ b|c('\\\\') }}");
}

#[test]
fn branches_that_open_one_block_together() {
    check("{% if a %}\ngeo $b {\n{%- else %}\ngeo $c {\n{% endif %}\nd 1;\n}\ne;", "geo $b {\n  d 1;\n}\ne;\n");
    check("{{ if .A }}\na {\n{{ else if .B }}\nb {\n{{ else }}\nc {\n{{ end }}\nd;\n}", "a {\n  d;\n}\n");
    check("<% @h.each do |h| %>\n<% if h %>\na {\n<% else %>\nb {\n<% end %>\nd;\n}\n<% end %>", "a {\n  d;\n}\n");
    check("<% if $a { -%>\na {\n<% } else { -%>\nb {\n<% } -%>\nd;\n}", "a {\n  d;\n}\n");
    // Whole directives are read from all branches.
    check("{% if a %}\nb { c; }\n{% else %}\nd { e; }\n{% endif %}", "b {\n  c;\n}\nd {\n  e;\n}\n");
    check("{% if a %}\nb {\n{% endif %}\nc;\n{% if a %}\n}\n{% endif %}", "b {\n  c;\n}\n");
}

#[test]
fn what_may_be_absent_is_not_known_either() {
    let document = parse_template(b"a \"{% if b %}c{% endif %}\" \"{# d #}\" 'e' {{ f }};");
    let templated: Vec<_> = document.directives().flat_map(|a| a.args()).map(|word| word.is_templated()).collect();
    assert_eq!(templated, [true, false, false, true]);
}

#[test]
fn what_is_no_template() {
    for source in [
        "location / {# why\n a b;\n #}\n}",
        "log_format a '{\"b\":{\"c\":\"$d\"}}';",
        "if ($a ~ \"^.{2}}$\") { b; }",
        "a { b { c; }}",
        "set $a ${b}c;",
        "a $b%{c};",
        "# {{",
    ] {
        assert!(!looks_templated(source.as_bytes()), "{source}");
        assert_eq!(outline_of(&parse_template(source.as_bytes())), outline_of(&parse(source.as_bytes())));
    }
}

#[test]
fn names_that_scripts_replace() {
    check("proxy_pass ___TARGET___;", "proxy_pass ___TARGET___;\n");
    check("server @HOST@:%PORT%;", "server @HOST@:%PORT%;\n");
    check("root /srv/__APP_1__/a;", "root /srv/__APP_1__/a;\n");
    for plain in ["return 302 /%C3%A4/%E2%82%AC;", "try_files $uri @APP;", "server_name __default__ _;", "set $__A 1;"]
    {
        assert!(!looks_templated(plain.as_bytes()), "{plain}");
    }
}
