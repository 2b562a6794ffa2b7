#pragma once

#include "formats/pickle/pickle.h"

#include <unordered_map>

namespace onecycle {

// The stack machine of Python's pickletools.py, less everything that would run code.
class PickleReader {
 public:
  using Globals = std::set<std::string, std::less<>>;

  PickleReader(Pickle& pickle, std::string_view bytes, const Globals& globals,
               const PickleLimits& limits)
      : pickle_(pickle), bytes_(bytes), globals_(globals), limits_(limits) {}

  const PickleNode* read();
  std::size_t position() const { return at_; }

 private:
  using Kind = PickleNode::Kind;

  // Each takes the operations of its kind; false: not one of them.
  bool take_number(unsigned char operation);
  bool take_text(unsigned char operation);
  bool take_container(unsigned char operation);
  bool take_stack(unsigned char operation);
  bool take_memo(unsigned char operation);
  bool take_object(unsigned char operation);

  [[noreturn]] void fail(const std::string& why) const;
  void count(std::size_t operations);  // fails where they become too many
  std::string_view bytes(std::uint64_t count);
  std::uint64_t number(std::size_t count);  // little-endian
  std::string_view line();                  // without its end
  std::int64_t decimal(std::string_view digits) const;

  PickleNode& make(Kind kind);
  PickleNode& push(Kind kind);
  void push(PickleNode* node);
  void push_integer(std::int64_t value, Kind kind = Kind::integer);
  void push_text(Kind kind, std::string_view text);
  void push_decoded(Kind kind, std::string text);
  void push_long(std::string_view little_endian);
  PickleNode* pop();
  PickleNode& top();
  std::size_t mark();  // takes the last mark: the stack's height at it

  void add(PickleNode& parent, const PickleNode* child);
  void gather(Kind kind, std::size_t from);  // what is above `from`, in a new node
  void append(std::size_t from, Kind kind);  // to the list, set or dict below `from`
  PickleNode* global(std::string_view module, std::string_view name);
  void call();  // of the callable and the arguments on the stack
  void set_state();
  void remember(std::uint64_t key);
  void recall(std::uint64_t key);

  Pickle& pickle_;
  std::string_view bytes_;
  const Globals& globals_;
  const PickleLimits& limits_;
  std::size_t at_ = 0;
  std::size_t counted_ = 0;
  std::vector<PickleNode*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, PickleNode*> memo_;
};

}  // namespace onecycle
