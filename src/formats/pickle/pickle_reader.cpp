#include "formats/pickle/pickle_reader.h"

#include "core/text/format.h"

#include <algorithm>
#include <charconv>

namespace onecycle {

namespace {

constexpr const char* kOrderedDict = "collections.OrderedDict";

}  // namespace

const PickleNode* PickleReader::read() {
  for (;;) {
    count(1);
    const auto operation = static_cast<unsigned char>(bytes(1)[0]);
    if (operation == '.') break;
    if (!take_number(operation) && !take_text(operation) && !take_container(operation) &&
        !take_stack(operation) && !take_memo(operation) && !take_object(operation))
      fail(format("it holds the operation 0x{:02x}, which is not read", operation));
  }
  return pop();
}

// ---- Input -------------------------------------------------------------------------------------

void PickleReader::fail(const std::string& why) const {
  throw PickleError(format("refused: not a pickle of plain values: {} (byte {})", why, at_));
}

void PickleReader::count(std::size_t operations) {
  if (operations > limits_.operations - counted_)
    fail(format("it takes more than {} operations", limits_.operations));
  counted_ += operations;
}

std::string_view PickleReader::bytes(std::uint64_t count) {
  if (count > bytes_.size() - at_) fail("it is cut short");
  const std::string_view result = bytes_.substr(at_, count);
  at_ += count;
  return result;
}

std::uint64_t PickleReader::number(std::size_t count) {
  std::uint64_t value = 0;
  const std::string_view digits = bytes(count);
  for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(digits[i]);
  return value;
}

std::string_view PickleReader::line() {
  const std::size_t end = bytes_.find('\n', at_);
  if (end == std::string_view::npos) fail("it is cut short");
  const std::string_view result = bytes(end - at_);
  (void)bytes(1);
  return result;
}

std::int64_t PickleReader::decimal(std::string_view digits) const {
  if (digits.ends_with('L')) digits.remove_suffix(1);  // a long of Python 2
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end)
    fail(format("'{}' is not a 64-bit integer", printable(digits, 24)));
  return value;
}

// ---- The stack ---------------------------------------------------------------------------------

PickleNode& PickleReader::make(Kind kind) {
  if (pickle_.nodes_.size() == limits_.nodes) fail(format("more than {} values", limits_.nodes));
  PickleNode& node = pickle_.nodes_.emplace_back();
  node.kind = kind;
  return node;
}

PickleNode& PickleReader::push(Kind kind) {
  PickleNode& node = make(kind);
  push(&node);
  return node;
}

void PickleReader::push(PickleNode* node) {
  if (stack_.size() == limits_.open) fail(format("more than {} open values", limits_.open));
  stack_.push_back(node);
}

// Marks divide the stack: what lies below the last one is out of reach until it is taken.
PickleNode* PickleReader::pop() {
  if (stack_.size() == (marks_.empty() ? 0 : marks_.back())) fail("a value is missing");
  PickleNode* node = stack_.back();
  stack_.pop_back();
  return node;
}

PickleNode& PickleReader::top() {
  if (stack_.size() == (marks_.empty() ? 0 : marks_.back())) fail("a value is missing");
  return *stack_.back();
}

std::size_t PickleReader::mark() {
  if (marks_.empty()) fail("a mark is missing");
  const std::size_t height = marks_.back();
  marks_.pop_back();
  return height;
}

void PickleReader::add(PickleNode& parent, const PickleNode* child) {
  parent.depth = std::max(parent.depth, child->depth + 1);
  if (parent.depth > limits_.depth) fail(format("nested more than {} deep", limits_.depth));
  parent.items.push_back(child);
}

void PickleReader::gather(Kind kind, std::size_t from) {
  PickleNode& node = make(kind);
  if (kind == Kind::dict && (stack_.size() - from) % 2 != 0) fail("a key without a value");
  node.items.reserve(stack_.size() - from);
  for (std::size_t i = from; i < stack_.size(); ++i) add(node, stack_[i]);
  stack_.resize(from);
  push(&node);
}

void PickleReader::append(std::size_t from, Kind kind) {
  const std::size_t base = marks_.empty() ? 0 : marks_.back();
  if (from <= base || from > stack_.size()) fail("a value is missing");
  PickleNode& target = *stack_[from - 1];
  if (target.kind != kind)
    fail(kind == Kind::list  ? "it appends to a value that is not a list"
         : kind == Kind::set ? "it adds to a value that is not a set"
                             : "it sets keys of a value that is not a dict");
  if (kind == Kind::dict && (stack_.size() - from) % 2 != 0) fail("a key without a value");
  for (std::size_t i = from; i < stack_.size(); ++i) add(target, stack_[i]);
  stack_.resize(from);
}

// ---- Plain values ------------------------------------------------------------------------------

void PickleReader::push_integer(std::int64_t value, Kind kind) { push(kind).integer = value; }

void PickleReader::push_text(Kind kind, std::string_view text) { push(kind).text = text; }

void PickleReader::push_decoded(Kind kind, std::string text) {
  push_text(kind, pickle_.texts_.emplace_back(std::move(text)));
}

void PickleReader::push_long(std::string_view little_endian) {
  if (little_endian.size() > 8) {
    push_text(Kind::long_integer, little_endian);
    return;
  }
  const bool negative = !little_endian.empty() && (little_endian.back() & 0x80) != 0;
  std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
  for (std::size_t i = little_endian.size(); i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(little_endian[i]);
  push_integer(static_cast<std::int64_t>(value));
}

void PickleReader::remember(std::uint64_t key) {
  if (memo_.size() == limits_.nodes)
    fail(format("its memo holds more than {} values", limits_.nodes));
  memo_[key] = &top();
}

void PickleReader::recall(std::uint64_t key) {
  const auto found = memo_.find(key);
  if (found == memo_.end()) fail(format("its memo has no entry {}", key));
  push(found->second);
}

// ---- What would run code -----------------------------------------------------------------------

PickleNode* PickleReader::global(std::string_view module, std::string_view name) {
  const std::string full = format("{}.{}", module, name);
  if (full != kOrderedDict && !globals_.contains(full)) throw PickleGlobalError(full);
  PickleNode& node = make(Kind::global);
  node.text = pickle_.texts_.emplace_back(full);
  return &node;
}

void PickleReader::call() {
  PickleNode* arguments = pop();
  PickleNode* callable = pop();
  if (!arguments->is(Kind::tuple)) fail("arguments are not a tuple");
  if (!callable->is(Kind::global) && !callable->is(Kind::object))
    fail("it calls a value that is not a global");
  if (!callable->is_global(kOrderedDict)) {
    push(callable);
    push(arguments);
    gather(Kind::object, stack_.size() - 2);
    return;
  }
  // Python 2 gives it a list of pairs; Python 3 sets its items afterwards.
  PickleNode& dict = make(Kind::dict);
  if (arguments->items.size() > 1) fail("an OrderedDict of several arguments");
  if (!arguments->items.empty()) {
    const PickleNode& pairs = *arguments->items[0];
    if (!pairs.is(Kind::list)) fail("an OrderedDict of a value that is not a list");
    count(pairs.items.size());
    for (const PickleNode* pair : pairs.items) {
      if (pair->items.size() != 2 || !(pair->is(Kind::list) || pair->is(Kind::tuple)))
        fail("an OrderedDict of items that are not pairs");
      for (const PickleNode* item : pair->items) add(dict, item);
    }
  }
  push(&dict);
}

void PickleReader::set_state() {
  const PickleNode* state = pop();
  PickleNode& target = top();
  if (!target.is(Kind::object) && !target.is(Kind::dict))
    fail("it sets the state of a plain value");
  target.state = state;
}

}  // namespace onecycle
