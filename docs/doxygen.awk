# Shows Doxygen the headers' plain comments as its own, line by line: those directly before a declaration, and those
# behind one. Before `namespace onecycle` a comment is the file's. Overloads directly below a function share its comment.
# "`name`:" at the start of a sentence is a parameter, which Doxygen looks for among the function's. A data member
# without a comment is described by its name. What is defaulted or deleted is left out.

function as_documentation(line, mark) {
  sub(/\/\/   /, "//       ", line)  # code, as Markdown has it
  if (!sub(/\/\//, mark, line)) return line
  while (match(line, /(\/\/\/<?|[.;:]) `[a-z_]+`: /)) {
    first = RSTART + index(substr(line, RSTART), "`")
    after = RSTART + RLENGTH
    line = substr(line, 1, first - 2) "@param " substr(line, first, after - first - 3) " " substr(line, after)
  }
  return line
}

function print_held(is_documentation) {
  for (i = 1; i <= held; ++i) print is_documentation ? as_documentation(block[i], "///") : block[i]
  held = 0
}

# What a line declares, without comments, template arguments and values.
function code_of(line) {
  sub(/ *\/\/.*/, "", line)
  while (gsub(/<[^<>]*>/, "", line)) {}
  return line
}

function function_in(code) {
  if (code !~ /^ *[A-Za-z].*[ &*][A-Za-z_]+\(/) return ""
  match(code, /[A-Za-z_]+\(/)
  return substr(code, RSTART, RLENGTH)
}

# The name of the data member that a line declares and no more, or "".
function member_in(code) {
  match(code, /^ */)
  if (RLENGTH != 2 * depth || code !~ /;$/ || code ~ /^ *(using|struct|class|enum|friend) /) return ""
  sub(/( = .*|\{.*)?;$/, "", code)
  return code ~ /[()]/ ? "" : substr(code, match(code, /[A-Za-z0-9_]+$/))
}

function follow_braces(code) {
  opened = gsub(/\{/, "{", code) - gsub(/\}/, "}", code)
  for (; opened > 0; --opened) holds_members[++depth] = code ~ /^ *(struct|class) /
  depth = depth + opened > 0 ? depth + opened : 0  # where a namespace ends
}

# Comments alone on their lines wait for what follows them.
/^ *\/\// {
  if (behind && index($0, "//") == behind) {
    print as_documentation($0, "///<")
  } else {
    block[++held] = $0
    behind = 0
  }
  next
}

{ behind = 0 }

/^$/ {
  print_held(0)
  block[held = 1] = ""
  shared = ""
  next
}

{
  in_type = depth == 0 || holds_members[depth]
  code = code_of($0)
  name = in_type ? function_in(code) : ""
  if (/^namespace onecycle / && block[1] == "") block[1] = "// @file"
  if (held > 0 && block[held] != "") {
    for (i = 1; i <= held; ++i) text = text substr(block[i], index(block[i], "//") + 2)
  }
  print_held(in_type)
  member = in_type && depth > 0 ? member_in(code) : ""
  if (!/namespace/) follow_braces(code)
}

/^ *template </ {
  print
  next
}

{
  comment = text
  text = ""
  if (comment) {
    shared = name
    shared_comment = comment
  }
}

in_type && / = (default|delete);$/ {
  print ""
  next
}

in_type && code ~ /([;,a-z0-9]|\{.*\})$/ && / \/\/ / {
  behind = match($0, / \/\/ /) + 1
  print substr($0, 1, behind - 1) as_documentation(substr($0, behind), "///<")
  next
}

member && !comment {
  gsub(/_/, " ", member)
  print $0 "  ///< " member
  next
}

name && name == shared && !comment {
  print "/**" shared_comment " */ " $0
  next
}

{ print }
