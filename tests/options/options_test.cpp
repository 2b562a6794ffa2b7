#include "onecycle/options.h"

#include "onecycle/error.h"
#include "onecycle/registry.h"

#include "core/text/number.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace onecycle {
namespace {

using ::testing::HasSubstr;

struct Inner {
  std::int64_t width = 3;
};
struct Item {
  std::string match;
  double scale = 1;
};
struct Example {
  double rate = 0.5;
  bool flag = false;
  std::optional<std::int64_t> count;
  std::vector<double> list;
  Duration length{5, Duration::Unit::epochs};
  Inner inner;
  std::vector<Item> items;
  Choice part;
};

Variants parts() {
  OptionTable<Inner> wide("wide", "a wide part");
  wide.add("width", &Inner::width, "how wide").range(at_least(1));
  OptionTable<Inner> narrow("narrow", "a narrow part");
  return {wide.variant(), narrow.variant()};
}

OptionTable<Example> example() {
  OptionTable<Inner> inner("inner", "An inner section");
  inner.add("width", &Inner::width, "how wide").range(between(1, 9));
  OptionTable<Item> item("item", "things by name");
  item.add("match", &Item::match, "a name").required();
  item.add("scale", &Item::scale, "a factor").range(at_least(0));
  OptionTable<Example> table("example", "An example");
  table.add("rate", &Example::rate, "a rate").range(from_below(0, 1));
  table.unit("per step");
  table.add("flag", &Example::flag, "a flag");
  table.add("count", &Example::count, "a count").range(above(0));
  table.add("list", &Example::list, "numbers").range(above(0));
  table.add("length", &Example::length, "a length").range(above(0));
  table.add_section("inner", &Example::inner, inner);
  table.add_list("items", &Example::items, item);
  table.add_choice("part", &Example::part, parts(), "A part");
  table.rule([](const Example& e) -> std::optional<OptionTable<Example>::Violation> {
    if (!e.flag || e.count) return std::nullopt;
    return OptionTable<Example>::Violation{"flag", "needs a count"};
  });
  return table;
}

Value map_of(std::initializer_list<std::pair<std::string, Value>> members) {
  Value map = Value::map();
  for (const auto& [key, value] : members) map.set(key, value);
  return map;
}

std::string problem_of(Value given) {
  if (given.find("part") == nullptr) given.set("part", Value::scalar("wide"));
  Problems problems;
  (void)example().read(given, "", problems);
  return problems.empty() ? "" : problems.found().front().text();
}

TEST(Options, DefaultsAreTheStructs) {
  Problems problems;
  const Example read = example().read(map_of({{"part", Value::scalar("narrow")}}), "", problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(read.rate, 0.5);
  EXPECT_EQ(read.length.count, 5);
  EXPECT_FALSE(read.count);
  EXPECT_EQ(read.part.name, "narrow");
}

TEST(Options, WhatIsWrittenReadsBackTheSame) {
  Problems problems;
  const auto table = example();
  Value given =
      map_of({{"rate", Value::scalar("1e-3")},
              {"items", Value::list({map_of({{"match", Value::scalar("*.bias")}})})},
              {"count", Value::scalar("7")},
              {"list", Value::list({Value::scalar("1"), Value::scalar(".5")})},
              {"length", Value::scalar("10it")},
              {"inner", map_of({{"width", Value::scalar("4")}})},
              {"part", map_of({{"name", Value::scalar("wide")}, {"width", Value::scalar("8")}})}});
  const Value once = table.write(table.read(given, "", problems));
  const Value twice = table.write(table.read(once, "", problems));
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(detail::flow_text(once), detail::flow_text(twice));
  EXPECT_EQ(detail::flow_text(once),
            "{rate: 0.001, flag: false, count: 7, list: [1, 0.5], length: 10it, inner: {width: 4}, "
            "items: [{match: *.bias, scale: 1}], part: {name: wide, width: 8}}");
}

TEST(Options, ProblemsSayWhatIsAllowed) {
  EXPECT_EQ(problem_of(map_of({{"rate", Value::scalar("1")}})), "rate: must be in [0, 1), got '1'");
  EXPECT_EQ(problem_of(map_of({{"rate", Value::scalar("x")}})), "rate: expected a number, got 'x'");
  EXPECT_EQ(problem_of(map_of({{"rate", Value::scalar("0.1", true)}})),
            "rate: expected a number, got '0.1'")
      << "a quoted number is text";
  EXPECT_EQ(problem_of(map_of({{"count", Value::scalar("0")}})),
            "count: must be more than 0, got '0'");
  EXPECT_EQ(problem_of(map_of({{"flag", Value::scalar("true")}})), "flag: needs a count");
  EXPECT_THAT(problem_of(map_of({{"list", Value::list({Value::scalar("0")})}})),
              HasSubstr("more than 0"));
  EXPECT_THAT(problem_of(map_of({{"inner", map_of({{"witdh", Value::scalar("1")}})}})),
              HasSubstr("inner.witdh: unknown key; did you mean 'width'?"));
  EXPECT_THAT(problem_of(map_of({{"part", Value::scalar("wid")}})),
              HasSubstr("part.name: unknown name 'wid'; did you mean 'wide'? known: wide, narrow"));
  EXPECT_THAT(problem_of(map_of({{"part", map_of({})}})), HasSubstr("part.name: is required"));
  EXPECT_THAT(problem_of(map_of({{"inner", Value::scalar("3")}})), HasSubstr("a map of options"));
}

TEST(Options, ListsOfMapsNameTheItem) {
  const auto item = [](const char* key, const char* value) {
    return map_of({{"match", Value::scalar("a")}, {key, Value::scalar(value)}});
  };
  const auto problem = [](const std::vector<Value>& items) {
    return problem_of(map_of({{"items", Value::list(items)}}));
  };
  EXPECT_EQ(problem({}), "");
  EXPECT_EQ(problem({item("scale", "0")}), "");
  EXPECT_EQ(problem({item("scale", "2"), item("scale", "-1")}),
            "items[1].scale: must be at least 0, got '-1'");
  EXPECT_EQ(problem({item("sclae", "2")}),
            "items[0].sclae: unknown key; did you mean 'scale'? known: match, scale");
  EXPECT_EQ(problem({map_of({})}), "items[0].match: is required: a name");
  EXPECT_EQ(problem({Value::scalar("a")}), "items[0]: expected a map of options, got 'a'");
  EXPECT_EQ(problem_of(map_of({{"items", item("scale", "1")}})),
            "items: expected a list of maps, got a map");
  Value second = item("scale", "1");
  second.find("scale")->text = "x";
  second.find("scale")->at = {"a.yaml", 5, 9};
  EXPECT_EQ(problem({item("scale", "1"), second}),
            "a.yaml:5:9: items[1].scale: expected a number, got 'x'");
}

TEST(Options, ListsOfMapsAreReadInOrderAndEmptyByDefault) {
  Problems problems;
  const Value part = Value::scalar("wide");
  EXPECT_TRUE(example().read(map_of({{"part", part}}), "", problems).items.empty());
  const Value items = Value::list({map_of({{"match", Value::scalar("a")}}),
                                   map_of({{"match", part}, {"scale", Value::scalar("3")}})});
  const auto read = example().read(map_of({{"part", part}, {"items", items}}), "", problems);
  EXPECT_TRUE(problems.empty());
  ASSERT_EQ(read.items.size(), 2U);
  EXPECT_EQ(read.items[0].match, "a");
  EXPECT_EQ(read.items[0].scale, 1);
  EXPECT_EQ(read.items[1].match, "wide");
  EXPECT_EQ(read.items[1].scale, 3);
}

TEST(Options, PositionsComeFirst) {
  Value rate = Value::scalar("x");
  rate.at = {"a.yaml", 3, 7};
  EXPECT_THAT(problem_of(map_of({{"rate", rate}})), HasSubstr("a.yaml:3:7: rate: "));
}

TEST(Options, ProblemsComeInTheOrderOfLines) {
  const auto at = [](const char* text, int line) {
    Value value = Value::scalar(text);
    value.at = {"a.yaml", line, 3};
    return value;
  };
  Value given = map_of({{"part", at("wide", 1)}, {"flag", at("x", 2)}, {"rate", at("y", 3)}});
  given.members.push_back({"leng", {"a.yaml", 4, 1}, at("5ep", 4)});
  given.set("count", at("z", 5));
  Value elsewhere = Value::scalar("x");
  elsewhere.at = {"--set list=x"};
  given.set("list", elsewhere);
  Problems problems;
  (void)example().read(given, "", problems);
  std::vector<std::string> places;
  for (const Problem& problem : problems.found())
    places.push_back(problem.at.text() + " " + problem.path);
  EXPECT_THAT(places,
              ::testing::ElementsAre("a.yaml:2:3 flag", "a.yaml:3:3 rate", "a.yaml:4:1 leng",
                                     "a.yaml:5:3 count", "--set list=x list"));
}

// One slip is one problem: that what was meant is not there follows from it.
TEST(Options, AMisspeltSectionIsNoMissingOne) {
  const auto found = [](const Value& given) {
    Problems problems;
    (void)example().read(given, "", problems);
    std::string text;
    for (const Problem& problem : problems.found()) text += problem.text() + "\n";
    return text;
  };
  const std::string known = "known: rate, flag, count, list, length, inner, items, part\n";
  EXPECT_EQ(found(map_of({{"prat", Value::scalar("wide")}})),
            "prat: unknown key; did you mean 'part'? " + known);
  EXPECT_EQ(found(map_of({{"part", map_of({{"nmae", Value::scalar("wide")}})}})),
            "part.nmae: unknown key; did you mean 'name'? known names: wide, narrow\n");
}

TEST(Options, SchemaStatesTypesRangesNamesAndDefaults) {
  const auto schema = nlohmann::json::parse(json_schema_of(example().group()));
  EXPECT_EQ(schema["additionalProperties"], false);
  const auto& rate = schema["properties"]["rate"];
  EXPECT_EQ(rate["anyOf"][0]["type"], "number");
  EXPECT_EQ(rate["anyOf"][0]["minimum"], 0);
  EXPECT_EQ(rate["anyOf"][0]["exclusiveMaximum"], 1);
  EXPECT_EQ(rate["anyOf"][1]["pattern"], "\\$\\{") << "the environment may give it";
  EXPECT_EQ(rate["default"], 0.5);
  EXPECT_EQ(schema["properties"]["flag"]["default"], false);
  EXPECT_EQ(schema["properties"]["length"]["default"], "5ep");
  EXPECT_TRUE(schema["properties"]["count"].at("default").is_null());
  EXPECT_EQ(schema["properties"]["count"]["anyOf"][0]["exclusiveMinimum"], 0);
  EXPECT_EQ(schema["properties"]["part"]["anyOf"].size(), 3U);
  EXPECT_FALSE(schema["properties"]["part"].contains("default"));
  EXPECT_EQ(schema["properties"]["part"]["required"], nlohmann::json::array({"name"}));
  const auto& items = schema["properties"]["items"];
  EXPECT_EQ(items["type"], "array");
  EXPECT_EQ(items["description"], "things by name");
  EXPECT_EQ(items["default"], nlohmann::json::array());
  EXPECT_EQ(items["items"]["type"], "object");
  EXPECT_EQ(items["items"]["properties"]["scale"]["anyOf"][0]["minimum"], 0);
  EXPECT_EQ(items["items"]["required"], nlohmann::json::array({"match"}));
  EXPECT_EQ(items["items"]["additionalProperties"], false);
}

TEST(Options, MarkdownHasARowAnOption) {
  const std::string page = markdown_of(example().group());
  EXPECT_THAT(page, HasSubstr("| `rate` | number, in [0, 1) (per step) | `0.5` | a rate |"));
  EXPECT_THAT(page, HasSubstr("| `inner.width` |"));
  EXPECT_THAT(page, HasSubstr("| `items` | list of maps | `[]` | things by name |"));
  EXPECT_THAT(page, HasSubstr("## `items[]`\n\nThings by name."));
  EXPECT_THAT(page, HasSubstr("| `items[].match` | text | *required* | a name |"));
}

TEST(Enums, SchemaListsEveryName) {
  EXPECT_EQ(detail::enum_schema({"a", "b", "c"}), R"({"enum":["a","b","c"]})");
  EXPECT_EQ(detail::enum_alternatives({"a", "b", "c"}), "a, b or c");
}

TEST(Nearest, FindsSlipsAndNothingFar) {
  const std::vector<std::string> known{"batch_size", "validation", "dir"};
  EXPECT_EQ(nearest_name("batchsize", known), "batch_size");
  EXPECT_EQ(nearest_name("vaildation", known), "validation");
  EXPECT_EQ(nearest_name("zzz", known), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'x'), known), "");
}

TEST(Durations, TextAndSteps) {
  EXPECT_EQ(Duration::parse("5ep")->steps(100), 500);
  EXPECT_EQ(Duration::parse("0.5ep")->steps(3), 2);
  EXPECT_EQ(Duration::parse("1000it")->steps(7), 1000);
  EXPECT_EQ(Duration::parse("0.001ep")->steps(10), 1) << "a positive length has a step";
  for (const char* text : {"", "5", "ep", "5 ep", "-1ep", "1.5it", "5eps", "infep", "nanit"})
    EXPECT_FALSE(Duration::parse(text)) << text;
  EXPECT_EQ(Duration::parse("2.5ep")->text(), "2.5ep");
}

TEST(Durations, StepsDoNotOverflow) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  EXPECT_EQ(Duration::parse("9007199254740991it")->steps(1), kMost - 1);
  EXPECT_EQ(Duration::parse("1e300it")->steps(1), kMost);
  EXPECT_EQ(Duration::parse("1e300ep")->steps(kMost), kMost);
  EXPECT_EQ(Duration::parse("1000000000ep")->steps(9'007'199), 9'007'199'000'000'000);
}

TEST(Durations, LongerThanARunCanCountAreRefused) {
  const auto refused = [](const char* text) {
    std::string why;
    EXPECT_FALSE(OptionType<Duration>::read(Value::scalar(text), why)) << text;
    return why;
  };
  EXPECT_NE(refused("1.1e9ep").find("1e9 epochs"), std::string::npos);
  EXPECT_NE(refused("9007199254740992it").find("2^53"), std::string::npos);
  EXPECT_NE(refused("1e19it").find("2^53"), std::string::npos);
  std::string why;
  EXPECT_TRUE(OptionType<Duration>::read(Value::scalar("1e9ep"), why));
  EXPECT_TRUE(OptionType<Duration>::read(Value::scalar("9007199254740991it"), why));
}

TEST(Numbers, WholeTextOrNothing) {
  EXPECT_EQ(parse_number("+1e-3"), 1e-3);
  EXPECT_EQ(parse_number(".5"), 0.5);
  for (const char* text : {"", "1x", "0x10", "inf", "nan", "1e999", " 1"})
    EXPECT_FALSE(parse_number(text)) << text;
  EXPECT_FALSE(parse_integer("1.0"));
  EXPECT_EQ(number_text(0.1), "0.1");
}

// ---- Changes ----

struct Rates {
  double low = 1;
  double high = 2;
};

OptionTable<Rates> rates() {
  OptionTable<Rates> table("rates", "two numbers");
  table.add("low", &Rates::low, "the lower one").range(above(0));
  table.add("high", &Rates::high, "the higher one").range(between(0, 3));
  table
      .rule([](const Rates& r) -> std::optional<OptionTable<Rates>::Violation> {
        if (r.low <= r.high) return std::nullopt;
        return OptionTable<Rates>::Violation{"low", "exceeds high"};
      })
      .on(Change::scale_lr, [](Rates& r, double factor) { r.low *= factor; })
      .on(Change::scale_lr, [](Rates& r, double factor) { r.high *= factor; });
  return table;
}

TEST(Changes, AreMadeInTheStructAndCheckedAfterwards) {
  const Variants variants = {rates().variant()};
  Choice choice = choose(variants, "rates");
  EXPECT_TRUE(takes(choice, Change::scale_lr));
  EXPECT_FALSE(takes(choice, Change::set_momentum));
  change(choice, {{Change::scale_lr, 1.5}, {Change::set_momentum, 7}});
  ASSERT_NE(choice.as<Rates>(), nullptr);
  EXPECT_EQ(choice.as<Rates>()->low, 1.5);
  EXPECT_EQ(choice.text(), "{low: 1.5, high: 3}");
  EXPECT_THROW(change(choice, {{Change::scale_lr, 2}}), RecipeError) << "high is at most 3";
  EXPECT_EQ(choice.text(), "{low: 1.5, high: 3}") << "a refused change leaves it as it was";
  Choice unread("rates");
  EXPECT_FALSE(takes(unread, Change::scale_lr));
  EXPECT_THROW(change(unread, {{Change::scale_lr, 2}}), Error);
}

TEST(Choices, GiveThePartItsOwnStructAlone) {
  Registry<double(double)> registry("thing");
  registry.add(rates(), [](const Rates& r, double factor) { return r.high * factor; });
  EXPECT_EQ(registry.make("rates", 10), 20) << "defaults where no recipe was read";
  Value options = Value::map();
  options.set("high", Value::scalar("3"));
  EXPECT_EQ(registry.make(choose(registry.variants(), "rates", options), 10), 30);
  EXPECT_THROW(registry.make(Choice("rates", std::any(5), nullptr), 10), Error);
  options.set("high", Value::scalar("9"));
  EXPECT_THROW(choose(registry.variants(), "rates", options), RecipeError);
}

TEST(Registries, RefuseTwoOfAName) {
  Registry<int()> registry("thing");
  const OptionTable<Inner> table("a", "");
  registry.add(table, [](const Inner&) { return 1; });
  EXPECT_THROW(registry.add(table, [](const Inner&) { return 2; }), Error);
  EXPECT_EQ(registry.make("a"), 1);
  EXPECT_THROW((void)registry.at("b"), FieldError);
}

}  // namespace
}  // namespace onecycle
