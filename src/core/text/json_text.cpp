#include "core/text/json_text.h"

#include <vector>

namespace onecycle {

namespace {

constexpr std::size_t kDeepest = 64;
constexpr std::size_t kMostMembers = 1000;

// Reads without keeping anything, up to the first error or bound.
class Bounds final : public Json::json_sax_t {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool key(string_t&) override { return ++members_.back() <= kMostMembers; }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool open() {
    members_.push_back(0);
    return members_.size() <= kDeepest;
  }
  bool close() {
    members_.pop_back();
    return true;
  }

  std::vector<std::size_t> members_;  // of the objects that are open; 0 for an array
};

}  // namespace

Json parse_json(const std::string& text) {
  Bounds bounds;
  if (!Json::sax_parse(text, &bounds)) return Json::value_t::discarded;
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace onecycle
