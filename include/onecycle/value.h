#pragma once

#include <string>
#include <utility>
#include <vector>

namespace onecycle {

// Where something was written: a recipe's line and column (1-based), or the command line.
struct Position {
  std::string file;
  int line = 0;
  int column = 0;

  // "file:line:column", or the file alone where there is no line.
  std::string text() const;
};

// A tree of values that knows where each was written, whatever format it came from.
// Scalars keep their text: the option that reads one decides its type.
struct Value {
  // null: nothing.
  enum class Kind { null, scalar, list, map };
  struct Member;

  Kind kind = Kind::null;
  std::string text;             // scalar only
  bool quoted = false;          // a quoted scalar is a string, never a number or null
  std::string written;          // what stood there where ${NAME} gave the value; else empty
  std::vector<Value> items;     // of a list; of a value of the environment, where that may be one
  std::vector<Member> members;  // map only, in the order written
  Position at;

  // Text; a quoted one is no number.
  static Value scalar(std::string text, bool quoted = false);
  // A list, without items or with these.
  static Value list();
  static Value list(std::vector<Value> items);
  // A map without members.
  static Value map();

  bool is_null() const { return kind == Kind::null; }      // nothing
  bool is_scalar() const { return kind == Kind::scalar; }  // text
  bool is_list() const { return kind == Kind::list; }      // items
  bool is_map() const { return kind == Kind::map; }        // members

  // The member of a map, or nullptr.
  const Value* find(const std::string& key) const;
  Value* find(const std::string& key);
  // Replaces or appends a member.
  void set(const std::string& key, Value value);
  // Takes a member out, where there is one.
  void erase(const std::string& key);

  // "a list", "a map", "nothing" or the scalar in quotes: for messages.
  std::string described() const;
  // The same tree with what was written in place of values from the environment, for whatever is
  // kept or shown: such values may be secrets.
  Value as_written() const;
};

// A key of a map, with its value.
struct Value::Member {
  std::string key;
  Position at;
  Value value;
};

}  // namespace onecycle
