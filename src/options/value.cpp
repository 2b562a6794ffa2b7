#include "onecycle/value.h"

#include "core/text/format.h"

#include <algorithm>

namespace onecycle {

std::string Position::text() const {
  return line > 0 ? format("{}:{}:{}", file, line, column) : file;
}

Value Value::scalar(std::string text, bool quoted) {
  Value value;
  value.kind = Kind::scalar;
  value.text = std::move(text);
  value.quoted = quoted;
  return value;
}

Value Value::list() { return list(std::vector<Value>()); }

Value Value::list(std::vector<Value> items) {
  Value value;
  value.kind = Kind::list;
  value.items = std::move(items);
  return value;
}

Value Value::map() {
  Value value;
  value.kind = Kind::map;
  return value;
}

Value* Value::find(const std::string& key) {
  const auto it = std::find_if(members.begin(), members.end(),
                               [&](const Member& member) { return member.key == key; });
  return it == members.end() ? nullptr : &it->value;
}

const Value* Value::find(const std::string& key) const {
  return const_cast<Value*>(this)->find(key);
}

void Value::set(const std::string& key, Value value) {
  if (Value* present = find(key)) {
    *present = std::move(value);
  } else {
    Position where = value.at;
    members.push_back({key, std::move(where), std::move(value)});
  }
}

void Value::erase(const std::string& key) {
  std::erase_if(members, [&](const Member& member) { return member.key == key; });
}

Value Value::as_written() const {
  if (!written.empty()) return scalar(written);
  Value shown = *this;
  for (Value& item : shown.items) item = item.as_written();
  for (Member& member : shown.members) member.value = member.value.as_written();
  return shown;
}

std::string Value::described() const {
  if (!written.empty()) return format("the value of '{}'", written);
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
    case Kind::scalar:
      break;
  }
  constexpr std::size_t kShown = 60;
  return text.size() > kShown ? format("'{}…'", text.substr(0, kShown)) : format("'{}'", text);
}

}  // namespace onecycle
