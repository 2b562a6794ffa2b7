#include "core/text/format.h"
#include "formats/pickle/pickle_reader.h"
#include "formats/pickle/pickle_text.h"

#include <bit>
#include <charconv>

// The operations, by their codes in Python's pickletools.py.
namespace onecycle {

namespace {

constexpr std::uint64_t kNewestProtocol = 5;

}  // namespace

bool PickleReader::take_number(unsigned char operation) {
  switch (operation) {
    case 'N':
      push(Kind::none);
      return true;
    case 0x88:
    case 0x89:
      push_integer(operation == 0x88, Kind::boolean);
      return true;
    case 'I': {
      const std::string_view digits = line();
      const bool boolean = digits == "00" || digits == "01";
      push_integer(decimal(digits), boolean ? Kind::boolean : Kind::integer);
      return true;
    }
    case 'L':
      push_integer(decimal(line()));
      return true;
    case 'J':
      push_integer(static_cast<std::int32_t>(number(4)));
      return true;
    case 'K':
      push_integer(static_cast<std::int64_t>(number(1)));
      return true;
    case 'M':
      push_integer(static_cast<std::int64_t>(number(2)));
      return true;
    case 0x8a:
      push_long(bytes(number(1)));
      return true;
    case 0x8b:
      push_long(bytes(number(4)));
      return true;
    case 'F': {
      const std::string_view digits = line();
      double value = 0;
      const char* end = digits.data() + digits.size();
      const auto read = std::from_chars(digits.data(), end, value);
      if (read.ec != std::errc() || read.ptr != end) fail("a number is malformed");
      push(Kind::real).real = value;
      return true;
    }
    case 'G': {
      std::uint64_t bits = 0;
      for (const char byte : bytes(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
      push(Kind::real).real = std::bit_cast<double>(bits);
      return true;
    }
    default:
      return false;
  }
}

bool PickleReader::take_text(unsigned char operation) {
  switch (operation) {
    case 'S':
    case 'V': {
      const std::string_view written = line();
      auto text = operation == 'S' ? from_python_quotes(written) : from_unicode_escapes(written);
      if (!text) fail("a string is malformed");
      push_decoded(operation == 'S' ? Kind::bytes : Kind::text, std::move(*text));
      return true;
    }
    case 'X':
      push_text(Kind::text, bytes(number(4)));
      return true;
    case 0x8c:
      push_text(Kind::text, bytes(number(1)));
      return true;
    case 0x8d:
      push_text(Kind::text, bytes(number(8)));
      return true;
    case 'T':
    case 'B':
      push_text(Kind::bytes, bytes(number(4)));
      return true;
    case 'U':
    case 'C':
      push_text(Kind::bytes, bytes(number(1)));
      return true;
    case 0x8e:
    case 0x96:
      push_text(Kind::bytes, bytes(number(8)));
      return true;
    default:
      return false;
  }
}

bool PickleReader::take_container(unsigned char operation) {
  switch (operation) {
    case ']':
      push(Kind::list);
      return true;
    case ')':
      push(Kind::tuple);
      return true;
    case '}':
      push(Kind::dict);
      return true;
    case 0x8f:
      push(Kind::set);
      return true;
    case 'l':
      gather(Kind::list, mark());
      return true;
    case 't':
      gather(Kind::tuple, mark());
      return true;
    case 'd':
      gather(Kind::dict, mark());
      return true;
    case 0x91:
      gather(Kind::set, mark());
      return true;
    case 0x85:
    case 0x86:
    case 0x87: {
      const std::size_t count = operation - 0x84u;
      if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < count) fail("a value is missing");
      gather(Kind::tuple, stack_.size() - count);
      return true;
    }
    case 'a':
      append(stack_.empty() ? 0 : stack_.size() - 1, Kind::list);
      return true;
    case 's':
      append(stack_.size() < 2 ? 0 : stack_.size() - 2, Kind::dict);
      return true;
    case 'e':
      append(mark(), Kind::list);
      return true;
    case 'u':
      append(mark(), Kind::dict);
      return true;
    case 0x90:
      append(mark(), Kind::set);
      return true;
    default:
      return false;
  }
}

bool PickleReader::take_stack(unsigned char operation) {
  switch (operation) {
    case '(':
      if (marks_.size() == limits_.depth) fail(format("nested more than {} deep", limits_.depth));
      marks_.push_back(stack_.size());
      return true;
    case '0':
      // Also what takes away a mark that nothing was put above.
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        (void)pop();
      }
      return true;
    case '1':
      stack_.resize(mark());
      return true;
    case '2':
      push(&top());
      return true;
    case 0x80:
      if (number(1) > kNewestProtocol) fail("its protocol is newer than 5");
      return true;
    case 0x95:
      if (number(8) > bytes_.size() - at_) fail("it is cut short");
      return true;
    default:
      return false;
  }
}

bool PickleReader::take_memo(unsigned char operation) {
  switch (operation) {
    case 'p':
      remember(static_cast<std::uint64_t>(decimal(line())));
      return true;
    case 'q':
      remember(number(1));
      return true;
    case 'r':
      remember(number(4));
      return true;
    case 0x94:
      remember(memo_.size());
      return true;
    case 'g':
      recall(static_cast<std::uint64_t>(decimal(line())));
      return true;
    case 'h':
      recall(number(1));
      return true;
    case 'j':
      recall(number(4));
      return true;
    default:
      return false;
  }
}

bool PickleReader::take_object(unsigned char operation) {
  switch (operation) {
    case 'c': {
      const std::string_view module = line();
      push(global(module, line()));
      return true;
    }
    case 0x93: {
      const PickleNode* name = pop();
      const PickleNode* module = pop();
      if (!name->is(Kind::text) || !module->is(Kind::text)) fail("a global's name is not text");
      push(global(module->text, name->text));
      return true;
    }
    case 'i': {
      const std::string_view module = line();
      PickleNode* callable = global(module, line());
      const std::size_t from = mark();
      gather(Kind::tuple, from);
      PickleNode* arguments = pop();
      push(callable);
      push(arguments);
      call();
      return true;
    }
    case 'o': {
      const std::size_t from = mark();
      if (from >= stack_.size()) fail("a value is missing");
      gather(Kind::tuple, from + 1);
      call();
      return true;
    }
    case 'R':
    case 0x81:
      call();
      return true;
    case 'b':
      set_state();
      return true;
    case 'P':
      push_text(Kind::text, line());
      gather(Kind::persistent, stack_.size() - 1);
      return true;
    case 'Q':
      (void)top();
      gather(Kind::persistent, stack_.size() - 1);
      return true;
    default:
      return false;
  }
}

}  // namespace onecycle
