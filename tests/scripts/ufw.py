# Prints each rule on standard input as ufw shows it after adding, using ufw's own parser; and
# checks that ufw accepts the words that delete it.
import gettext
import sys

gettext.install("ufw")
import ufw.frontend
import ufw.parser

for line in sys.stdin:
    words = line.split()
    routed = words[0] == "route"
    parsed = ufw.frontend.parse_command(["ufw", *words]).data
    rule = parsed["rule"]
    rule.set_v6(parsed["iptype"] == "v6")
    rule.normalize()
    kind = ufw.parser.UFWCommandRouteRule if routed else ufw.parser.UFWCommandRule
    print(("route " if routed else "") + kind.get_command(rule))
    delete = ["route", "delete", *words[1:]] if routed else ["delete", *words]
    assert ufw.frontend.parse_command(["ufw", *delete]).data["rule"].remove
