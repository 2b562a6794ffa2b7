#include "yaml/document.h"

#include "onecycle/error.h"
#include "onecycle/options.h"

#include "support/temporary_folder.h"
#include "yaml/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string flow(const Value& value) { return detail::flow_text(value); }

TEST(Yaml, KeepsOrderTextAndPositions) {
  const Value value = parse_yaml("b: 5e-4\na:\n  c: [1, '2', ~]\n", "x.yaml");
  EXPECT_EQ(flow(value), "{b: 5e-4, a: {c: [1, 2, null]}}");
  EXPECT_EQ(value.find("a")->find("c")->at.text(), "x.yaml:3:6");
  EXPECT_TRUE(value.find("a")->find("c")->items[1].quoted);
  EXPECT_FALSE(value.find("a")->find("c")->items[0].quoted);
}

TEST(Yaml, WritesWhatItReads) {
  const std::string text = "a: {b: ['1', 'true', 'x: y', '', ~, 1], c: {d: \"line\\nbreak\"}}";
  const Value value = parse_yaml(text, "");
  const Value again = parse_yaml(write_yaml(value), "");
  EXPECT_EQ(flow(value), flow(again));
  EXPECT_TRUE(again.find("a")->find("b")->items[0].quoted);
  EXPECT_EQ(write_yaml(parse_yaml("a: {b: {}, c: []}", "")), "a:\n  b: {}\n  c: []\n");
}

TEST(Yaml, WritesCommentsBehindWhatIsNull) {
  const std::string written = write_yaml(parse_yaml("{a: {b: ~, c: 1, d: [~]}, e: ~, f: 2}", ""),
                                         {{"a.b", "0.004 here"}, {"a.c", "no"}, {"e", "5 here"}});
  EXPECT_EQ(written, "a:\n  b: ~  # 0.004 here\n  c: 1\n  d: [~]\ne: ~  # 5 here\nf: 2\n");
  EXPECT_EQ(flow(parse_yaml(written, "")), "{a: {b: null, c: 1, d: [null]}, e: null, f: 2}");
}

TEST(Yaml, RefusesWhatIsTooMuch) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += "*a" + std::to_string(i - 1) + ", ";
    bomb += "]\n";
  }
  EXPECT_THAT(message_of([&] { parse_yaml(bomb, "b.yaml"); }), HasSubstr("aliases"));
  EXPECT_THAT(message_of([&] { parse_yaml(std::string(2 << 20, 'x'), "b.yaml"); }),
              HasSubstr("bytes"));
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "{a: ";
  EXPECT_THAT(message_of([&] { parse_yaml(deep + "1" + std::string(40, '}'), "b.yaml"); }),
              HasSubstr("deeper"));
}

// Each alias of the chain adds a level that no bracket shows; a long text grows by its aliases.
TEST(Yaml, CountsWhatAliasesStandFor) {
  std::string chain = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i)
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
             "]\n";
  EXPECT_THAT(message_of([&] { parse_yaml(chain, "c.yaml"); }), HasSubstr("deeper"));
  std::string large = "a: &a " + std::string(500'000, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) large += "*a, ";
  EXPECT_THAT(message_of([&] { parse_yaml(large + "]", "l.yaml"); }), HasSubstr("bytes of text"));
  EXPECT_THAT(message_of([&] { parse_yaml("a: &a [*a]", "s.yaml"); }), HasSubstr("s.yaml:1:8"));
  EXPECT_EQ(flow(parse_yaml("a: &x {b: 1}\nc: *x\n", "")), "{a: {b: 1}, c: {b: 1}}");
}

TEST(Yaml, EndsWhereNoValueBegins) {
  for (const char* text : {",", ",5", ", ,"})
    EXPECT_THAT(message_of([&] { parse_yaml(text, "x.yaml"); }), HasSubstr("not valid YAML"));
  EXPECT_THAT(message_of([&] { parse_yaml("{},", "x.yaml"); }), HasSubstr("several YAML"));
}

// By comparing every key with every other one this takes a minute.
TEST(Yaml, ReadsAndMergesManyKeys) {
  constexpr int kKeys = 90'000;
  std::string text;
  for (int i = 0; i < kKeys; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const TemporaryFolder folder;
  folder.write_text("base.yaml", text);
  const std::string path =
      folder.write_text("r.yaml", "extends: base.yaml\n" + text.substr(0, text.find("k4000:")));
  EXPECT_THAT(message_of([&] { parse_yaml(text + "k77: 2\n", "k.yaml"); }),
              HasSubstr("k.yaml:90001:1: duplicate key 'k77', first given on line 78"));
  EXPECT_EQ(read_with_bases(path).members.size(), kKeys);
}

// The examples of https://yaml.org/type/merge.html.
TEST(Yaml, TakesOverMergedMaps) {
  const std::string anchors =
      "- &CENTER {x: 1, y: 2}\n- &LEFT {x: 0, y: 2}\n- &BIG {r: 10}\n- &SMALL {r: 1}\n";
  const auto last = [&](const std::string& item) {
    return flow(parse_yaml(anchors + "- " + item + "\n", "").items.back());
  };
  EXPECT_EQ(last("{<<: *CENTER, r: 10, label: c}"), "{r: 10, label: c, x: 1, y: 2}");
  EXPECT_EQ(last("{<<: [*CENTER, *BIG], label: c}"), "{label: c, x: 1, y: 2, r: 10}");
  EXPECT_EQ(last("{<<: [*BIG, *LEFT, *SMALL], x: 1}"), "{x: 1, r: 10, y: 2}");
  EXPECT_EQ(last("{x: 1, <<: {x: 3, <<: *LEFT, z: 4}}"), "{x: 1, z: 4, y: 2}");
  EXPECT_EQ(last("{'<<': 1}"), "{<<: 1}") << "in quotes it is a key as others are";
  const Value twice =
      parse_yaml("a: &a {train: {duration: 5ep}}\nb:\n  <<: *a\n  train: {threads: 2}\n", "m.yaml");
  EXPECT_EQ(flow(*twice.find("b")), "{train: {threads: 2}}") << "a merge is not deep";
  EXPECT_THAT(message_of([&] { last("{<<: 5}"); }), HasSubstr("<< takes a map"));
  EXPECT_THAT(message_of([&] { last("{<<: [*BIG, 5]}"); }), HasSubstr(":5:4: << takes a map"));
  EXPECT_THAT(message_of([&] { last("{<<: *BIG, <<: *LEFT}"); }), HasSubstr("duplicate key '<<'"));
}

TEST(Yaml, TextIsUtf8WithoutControlCharacters) {
  EXPECT_EQ(parse_yaml("'\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80'", "").text,
            "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(parse_yaml("\"a\\tb\\nc\"", "").text, "a\tb\nc");
  for (const char* text : {"a: caf\xe9", "caf\xe9: 1", "a: '\xed\xa0\x80'", "a: '\xc0\x80'"})
    EXPECT_THAT(message_of([&] { parse_yaml(text, "u.yaml"); }), HasSubstr("not valid UTF-8"));
  for (const char* text : {"a: \"x\\0y\"", "\"x\\0y\": 1", "a: \"\\e[31m\"", "a: \"\\x9b\""})
    EXPECT_THAT(message_of([&] { parse_yaml(text, "u.yaml"); }), HasSubstr("control character"));
}

TEST(Extends, LaterWinsKeyByKey) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "base");
  folder.write_text(
      "base/a.yaml",
      "seed: 1\ntrain: {duration: 5ep, threads: 2}\nmodel: {name: mlp, hidden: [4]}\n");
  folder.write_text("base/b.yaml", "extends: a.yaml\ntrain: {duration: 6ep}\n");
  const std::string top =
      folder.write_text("top.yaml", "extends: base/b.yaml\nseed: 3\nmodel: {name: resnet8}\n");
  EXPECT_EQ(flow(load_document(top)),
            "{seed: 3, train: {duration: 6ep, threads: 2}, model: {name: resnet8}}");
}

TEST(Extends, DataKeepsItsOtherKeysUnderAnotherName) {
  Value document = parse_yaml("data: {name: mnist, batch_size: 64}", "");
  apply_override(document, "data.name=cifar10");
  EXPECT_EQ(flow(document), "{data: {name: cifar10, batch_size: 64}}");
}

TEST(Extends, RefusesCyclesAndMissingFiles) {
  const TemporaryFolder folder;
  const std::string a = folder.write_text("a.yaml", "extends: b.yaml\n");
  folder.write_text("b.yaml", "extends: a.yaml\n");
  EXPECT_THAT(message_of([&] { load_document(a); }), HasSubstr("comes back to itself"));
  const std::string c = folder.write_text("c.yaml", "extends: none.yaml\n");
  EXPECT_THAT(message_of([&] { load_document(c); }), HasSubstr("c.yaml:1:10: extends: "));
  EXPECT_THAT(message_of([&] { load_document(c); }), HasSubstr("none.yaml: No such file"));
  const std::string near = folder.write_text("near.yaml", "extends: b.yml\n");
  EXPECT_THAT(message_of([&] { load_document(near); }),
              HasSubstr("did you mean " + (folder / "b.yaml") + "?"));
}

TEST(Overrides, SetNestedValues) {
  Value document = parse_yaml("model: mlp\nschedule: {name: one_cycle, lr_max: 1}", "");
  apply_override(document, "model.hidden=[8, 8]");
  apply_override(document, "schedule.lr_max=0.5");
  apply_override(document, "train.duration=3ep");
  EXPECT_EQ(flow(document),
            "{model: {name: mlp, hidden: [8, 8]}, schedule: {name: one_cycle, lr_max: 0.5}, "
            "train: {duration: 3ep}}");
  apply_override(document, "schedule.name=constant");
  EXPECT_EQ(flow(*document.find("schedule")), "{name: constant}");
}

TEST(Environment, FillsInDefaultsAndRefusesTheRest) {
  ::setenv("ONECYCLE_TEST_VALUE", "7", 1);
  ::unsetenv("ONECYCLE_TEST_NONE");
  Value value = parse_yaml("['a${ONECYCLE_TEST_VALUE}b', '${ONECYCLE_TEST_NONE:-x}', '$${y}']", "");
  interpolate_environment(value);
  EXPECT_EQ(flow(value), "[a7b, x, ${y}]");
  Value missing = parse_yaml("${ONECYCLE_TEST_NONE}", "e.yaml");
  EXPECT_THAT(message_of([&] { interpolate_environment(missing); }),
              HasSubstr("ONECYCLE_TEST_NONE is not set"));
  ::setenv("ONECYCLE_TEST_VALUE", "caf\xe9", 1);
  Value latin = parse_yaml("${ONECYCLE_TEST_VALUE}", "e.yaml");
  EXPECT_THAT(message_of([&] { interpolate_environment(latin); }), HasSubstr("not valid UTF-8"));
  Value open = parse_yaml("'${A'", "e.yaml");
  EXPECT_THAT(message_of([&] { interpolate_environment(open); }), HasSubstr("without its }"));
}

template <class T>
std::optional<T> from_environment(const char* text) {
  ::setenv("ONECYCLE_TEST_VALUE", text, 1);
  Value value = parse_yaml("\"${ONECYCLE_TEST_VALUE}\"", "e.yaml");
  interpolate_environment(value);
  EXPECT_EQ(flow(value.as_written()), "${ONECYCLE_TEST_VALUE}");
  std::string why;
  return OptionType<T>::read(value, why);
}

TEST(Environment, GivesWhatTheSameTextWouldBeWithoutQuotes) {
  using Integers = std::vector<std::int64_t>;
  EXPECT_EQ(from_environment<double>("0.05"), 0.05);
  EXPECT_EQ(from_environment<std::int64_t>("8"), 8);
  EXPECT_EQ(from_environment<bool>("true"), true);
  EXPECT_EQ(from_environment<bool>("FALSE"), false);
  EXPECT_EQ(from_environment<std::string>("[8, 16]"), "[8, 16]") << "a text stays what it is";
  EXPECT_EQ(from_environment<Integers>("[8, 16]"), (Integers{8, 16}));
  EXPECT_EQ(from_environment<Integers>("[]"), Integers());
  const auto none = from_environment<std::optional<double>>("null");
  EXPECT_TRUE(none && !none->has_value());
  for (const char* text : {"8", "[8, x]", "[8", "[[8]]", "8, 16"})
    EXPECT_FALSE(from_environment<Integers>(text)) << text;
  EXPECT_FALSE(from_environment<double>("null"));
  Value value = parse_yaml("{a: [\"${ONECYCLE_TEST_VALUE}\"], b: \"[]\"}", "");
  ::setenv("ONECYCLE_TEST_VALUE", "${ONECYCLE_TEST_VALUE}", 1);
  interpolate_environment(value);
  EXPECT_EQ(flow(value), "{a: [${ONECYCLE_TEST_VALUE}], b: []}") << "once";
  std::string why;
  EXPECT_FALSE(OptionType<Integers>::read(*value.find("b"), why)) << "quotes without a variable";
}

TEST(Environment, WhatIsEscapedIsReadBack) {
  for (const char* text :
       {"", "$", "${", "${x}", "$${x}", "$$${x}", "a${x}$${y:-${z}}", "$$", "${${"}) {
    Value value = Value::map();
    value.set("list", Value::list({Value::scalar(text, true)}));
    escape_environment(value);
    Value again = parse_yaml(write_yaml(value), "");
    interpolate_environment(again);
    EXPECT_EQ(again.find("list")->items.front().text, text);
  }
}

}  // namespace
}  // namespace onecycle::testing
