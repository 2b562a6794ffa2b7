#include "network/table_json.h"

#include "core/text/utf8.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <set>
#include <string_view>

namespace onecycle {

namespace {

using Kind = TableColumn::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 3> kKinds = {
    {{Kind::number, "number"}, {Kind::one_hot, "one_hot"}, {Kind::embedding, "embedding"}}};

bool is_sound(const TableColumn& column) {
  if (column.name.empty() || why_no_name(column.name) != nullptr) return false;
  if (!std::all_of(column.missing.begin(), column.missing.end(), is_utf8)) return false;
  if (column.kind == Kind::number)
    return column.categories.empty() && std::abs(column.mean) <= kLargestDeviation &&
           std::abs(column.fill) <= kLargestDeviation && column.std >= kLeastDeviation &&
           column.std <= kLargestDeviation;
  const auto& names = column.categories;  // searched by halves
  const bool ascend =
      std::adjacent_find(names.begin(), names.end(), std::greater_equal<>()) == names.end();
  return ascend && std::all_of(names.begin(), names.end(), is_utf8);
}

}  // namespace

void to_json(Json& json, const TableColumn& column) {
  const auto* kind = std::find_if(kKinds.begin(), kKinds.end(),
                                  [&](const auto& known) { return known.first == column.kind; });
  json = {{"name", column.name}, {"kind", kind->second}};
  if (column.kind == Kind::number) {
    json["mean"] = column.mean;
    json["std"] = column.std;
    json["fill"] = column.fill;
  } else {
    json["categories"] = column.categories;
  }
  json["missing"] = column.missing;
}

void from_json(const Json& json, TableColumn& column) {
  column = {};
  json.at("name").get_to(column.name);
  const auto name = json.at("kind").get<std::string>();
  const auto* kind = std::find_if(kKinds.begin(), kKinds.end(),
                                  [&](const auto& known) { return known.second == name; });
  if (kind == kKinds.end())
    throw Json::other_error::create(501, "a column's kind is not known", nullptr);
  column.kind = kind->first;
  if (column.kind == Kind::number) {
    json.at("mean").get_to(column.mean);
    json.at("std").get_to(column.std);
    json.at("fill").get_to(column.fill);
  } else {
    json.at("categories").get_to(column.categories);
  }
  json.at("missing").get_to(column.missing);
}

void to_json(Json& json, const TableEncoding& table) {
  json = {{"columns", table.columns}, {"separator", table.separator}};
  if (table.clip) json["clip"] = *table.clip;
}

void from_json(const Json& json, TableEncoding& table) {
  json.at("columns").get_to(table.columns);
  json.at("separator").get_to(table.separator);
  table.clip.reset();
  if (json.contains("clip")) table.clip = json.at("clip").get<double>();
}

bool is_sound(const TableEncoding& table) {
  std::set<std::string> names;
  for (const TableColumn& column : table.columns)
    if (!is_sound(column) || !names.insert(column.name).second) return false;
  if (table.clip && !(*table.clip > 0)) return false;
  return !names.empty() && table.separator.size() == 1;
}

}  // namespace onecycle
