#include "yaml/yaml_builder.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/printable.h"
#include "core/text/utf8.h"
#include "yaml/yaml.h"

#include <algorithm>
#include <utility>

namespace onecycle {

namespace {

constexpr std::size_t kDeepest = 32;
constexpr std::size_t kMostValues = 100'000;
constexpr std::size_t kMostText = std::size_t{1} << 24;

[[noreturn]] void fail(const Position& at, const std::string& why) {
  throw RecipeError(format("{}: {}", at.text(), why));
}

}  // namespace

void check_text(const std::string& text, const Position& at) {
  if (!is_utf8(text))
    fail(at, format("'{}' is not valid UTF-8; save the file as UTF-8", printable(text)));
  if (has_control(text, "\t\n"))
    fail(at, format("'{}' holds a control character; take it out", printable(text)));
}

Position YamlBuilder::position(const YAML::Mark& mark) const {
  return mark.is_null() ? Position{name_} : Position{name_, mark.line + 1, mark.column + 1};
}

// yaml-cpp takes nothing from a comma where a document should begin, and would find documents
// there for ever.
void YamlBuilder::OnDocumentStart(const YAML::Mark& mark) {
  if (documents_++ == 0) {
    first_start_ = mark.pos;
    return;
  }
  fail(position(mark), mark.pos == first_start_ ? "not valid YAML: no value begins like this"
                                                : "several YAML documents; a recipe is one");
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const Amount before = counted_;
  Value value;
  value.at = position(mark);
  count({1, 0}, 0, value.at);
  add(std::move(value), 0, anchor, before);
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const auto found = anchored_.find(anchor);
  if (found == anchored_.end()) fail(position(mark), "an alias inside its own anchor");
  const Anchored& meant = found->second;
  const Amount before = counted_;
  count(meant.amount, meant.height, position(mark));
  add(meant.value, meant.height, YAML::NullAnchor, before);
}

void YamlBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& text) {
  const Amount before = counted_;
  Value value = Value::scalar(text, /*quoted=*/tag == "!");
  value.at = position(mark);
  count({expects_key() ? 0u : 1u, text.size()}, 0, value.at);
  check_text(text, value.at);
  add(std::move(value), 0, anchor, before);
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value) {
  open(mark, Value::list(), anchor);
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
  open(mark, Value::map(), anchor);
}

void YamlBuilder::open(const YAML::Mark& mark, Value value, YAML::anchor_t anchor) {
  const Amount before = counted_;
  value.at = position(mark);
  count({1, 0}, 0, value.at);
  Open& opened = open_.emplace_back();
  opened.value = std::move(value);
  opened.anchor = anchor;
  opened.before = before;
}

void YamlBuilder::close() {
  Open closed = std::move(open_.back());
  open_.pop_back();
  merge_into(closed);
  add(std::move(closed.value), closed.height, closed.anchor, closed.before);
}

bool YamlBuilder::expects_key() const {
  return !open_.empty() && open_.back().value.is_map() && !open_.back().has_key;
}

void YamlBuilder::count(const Amount& added, std::size_t height, const Position& at) {
  if (open_.size() + height > kDeepest) fail(at, format("nested deeper than {} levels", kDeepest));
  counted_.values += added.values;
  counted_.bytes += added.bytes;
  if (counted_.values > kMostValues)
    fail(at, format("more than {} values once aliases are expanded", kMostValues));
  if (counted_.bytes > kMostText)
    fail(at, format("more than {} bytes of text once aliases are expanded", kMostText));
}

void YamlBuilder::add(Value value, std::size_t height, YAML::anchor_t anchor,
                      const Amount& before) {
  if (anchor != YAML::NullAnchor) {
    const Amount own{counted_.values - before.values, counted_.bytes - before.bytes};
    count(own, 0, value.at);  // the copy that is kept
    anchored_[anchor] = {value, own, height};
  }
  if (open_.empty()) {
    root_ = std::move(value);
    return;
  }
  Open& parent = open_.back();
  parent.height = std::max(parent.height, height + 1);
  if (parent.value.is_list()) {
    parent.value.items.push_back(std::move(value));
  } else if (!parent.has_key) {
    add_key(parent, std::move(value));
  } else if (parent.key_merges) {
    add_merged(parent, std::move(value));
    parent.has_key = false;
  } else {
    parent.value.members.push_back(
        {std::move(parent.key), std::move(parent.key_at), std::move(value)});
    parent.has_key = false;
  }
}

void YamlBuilder::add_key(Open& map, Value key) const {
  constexpr std::size_t kLongest = 512;
  if (!key.is_scalar() || key.text.size() > kLongest || has_control(key.text))
    fail(key.at, "a key must be a plain name");
  const auto [known, is_new] = map.keys.emplace(key.text, key.at.line);
  if (!is_new)
    fail(key.at, format("duplicate key '{}', first given on line {}", key.text, known->second));
  map.key_merges = key.text == "<<" && !key.quoted;
  map.key = std::move(key.text);
  map.key_at = std::move(key.at);
  map.has_key = true;
}

void YamlBuilder::add_merged(Open& map, Value value) {
  const auto add_map = [&](Value one) {
    if (!one.is_map())
      fail(map.key_at, "<< takes a map, or a list of maps, got " + one.described());
    map.merged.push_back(std::move(one));
  };
  if (!value.is_list()) return add_map(std::move(value));
  for (Value& item : value.items) add_map(std::move(item));
}

void YamlBuilder::merge_into(Open& map) {
  for (Value& one : map.merged)
    for (Value::Member& member : one.members)
      if (map.keys.emplace(member.key, member.at.line).second)
        map.value.members.push_back(std::move(member));
}

}  // namespace onecycle
