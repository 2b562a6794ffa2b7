#pragma once

#include "onecycle/value.h"

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

namespace onecycle {

// Builds a tree of values from what yaml-cpp's parser meets. Its own tree of nodes takes time that
// grows with the square of a map's keys, and memory before anything can be counted; here every
// limit holds as soon as it is reached. Throws RecipeError, see parse_yaml.
class YamlBuilder final : public YAML::EventHandler {
 public:
  explicit YamlBuilder(std::string name) : name_(std::move(name)) {}

  // Null where there was no document.
  Value take() { return std::move(root_); }
  Position position(const YAML::Mark& mark) const;

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  // What a value takes, with all in it. Keys count by their text alone.
  struct Amount {
    std::size_t values = 0;
    std::size_t bytes = 0;  // of text
  };
  // A list or map whose end has not come.
  struct Open {
    Value value;
    YAML::anchor_t anchor = YAML::NullAnchor;
    Amount before;                              // that was counted before it
    std::size_t height = 1;                     // levels of it so far
    std::unordered_map<std::string, int> keys;  // with their lines
    Position key_at;
    std::string key;
    bool has_key = false;
    bool key_merges = false;    // it is <<, unquoted
    std::vector<Value> merged;  // maps whose keys it takes over, the first before the others
  };
  struct Anchored {
    Value value;
    Amount amount;
    std::size_t height = 0;
  };

  void open(const YAML::Mark& mark, Value value, YAML::anchor_t anchor);
  void close();
  bool expects_key() const;
  // Of a value that begins, of so many levels.
  void count(const Amount& added, std::size_t height, const Position& at);
  // Puts a whole value where it belongs; `before`: what was counted before it.
  void add(Value value, std::size_t height, YAML::anchor_t anchor, const Amount& before);
  void add_key(Open& map, Value key) const;
  // The value of a merge key (https://yaml.org/type/merge.html): a map, or a list of maps.
  static void add_merged(Open& map, Value value);
  // Appends what the merged maps have and the map itself has not.
  static void merge_into(Open& map);

  std::string name_;
  Value root_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Anchored> anchored_;
  Amount counted_;
  int documents_ = 0;
  int first_start_ = 0;
};

}  // namespace onecycle
