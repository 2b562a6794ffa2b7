#pragma once

#include "onecycle/error.h"

#include "core/text/printable.h"

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

// What a pickle that cannot be read says; the caller puts the file's name before it.
class PickleError : public Error {
 public:
  using Error::Error;
};

// The same, of a global that the caller does not allow.
class PickleGlobalError : public PickleError {
 public:
  explicit PickleGlobalError(const std::string& global)
      : PickleError("refused: the pickle wants " + printable(global)), global_(global) {}

  const std::string& global() const { return global_; }  // "module.name", as the file has it

 private:
  std::string global_;
};

// A value of a pickle. Names in pickles may stand for any code; here they are only names.
struct PickleNode {
  enum class Kind {
    none,
    boolean,       // integer: 0 or 1
    integer,       // of 64 bits
    long_integer,  // wider; text: its bytes, two's complement, little-endian
    real,
    text,        // UTF-8, as the file has it
    bytes,       // bytes, bytearray, and every string of Python 2
    list,        // items
    tuple,       // items
    set,         // items; of protocol 4 on, also a frozenset: before, it is an object
    dict,        // items: key, value, key, value...; of equal keys the last one counts
    global,      // text: "module.name", one that the caller allows
    object,      // items: a global or an object and the tuple of its arguments; state
    persistent,  // items: the id, whose meaning is the writer's
  };

  Kind kind = Kind::none;
  std::uint32_t depth = 1;  // of the values in it, as far as they were known when it was made
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text;
  std::vector<const PickleNode*> items;
  const PickleNode* state = nullptr;  // of an object or an OrderedDict: what it is to be set to

  bool is(Kind what) const { return kind == what; }
  bool is_text(std::string_view what) const {  // either kind of string
    return (kind == Kind::text || kind == Kind::bytes) && text == what;
  }
  bool is_global(std::string_view name) const { return kind == Kind::global && text == name; }
  // The value of a dict under a string, or nullptr.
  const PickleNode* find(std::string_view key) const;
};

struct PickleLimits {
  std::size_t operations = std::size_t{1} << 23;
  std::size_t nodes = std::size_t{1} << 20;
  std::size_t open = std::size_t{1} << 18;  // values waiting to become part of another
  std::uint32_t depth = 256;
};

// One pickle, of protocol 0 to 5, read without running anything: it builds the kinds above and
// refuses the rest, naming it. `collections.OrderedDict` becomes a dict; every other global must be
// among those that the caller names, and is left to the caller to interpret. Neither reading nor
// destroying recurses, and memory stays within the limits whatever the bytes are. Values may stand
// in several places, also within themselves: who walks them must bound the walk.
class Pickle {
 public:
  // Reads the pickle at the start of `bytes`, which must outlive it: texts point there.
  // Throws PickleError.
  Pickle(std::string_view bytes, const std::set<std::string, std::less<>>& globals,
         const PickleLimits& limits = {});
  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

  const PickleNode& root() const { return *root_; }
  const std::deque<PickleNode>& nodes() const { return nodes_; }
  // Length of the pickle: `bytes` may go on after it.
  std::size_t size() const { return size_; }

 private:
  friend class PickleReader;

  std::deque<PickleNode> nodes_;
  std::deque<std::string> texts_;  // that stand decoded in no place of the input
  const PickleNode* root_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace onecycle
