#include "formats/safetensors/safetensors_header.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/printable.h"

#include <unordered_set>

namespace onecycle {

namespace {

constexpr int kDeepestMember = 4;  // a header nests three deep
constexpr std::size_t kMostTensors = std::size_t{1} << 20;

// {"__metadata__": {key: text}, name: {"dtype": text, "shape": [...], "data_offsets": [...]}};
// other members of a tensor are passed over.
class HeaderReader final : public Json::json_sax_t {
 public:
  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(std::size_t) override {
    if (depth_ == 1 && !in_metadata()) begin_tensor();
    if (depth_ >= 2 && (in_metadata() || list() != nullptr)) refuse_member();
    return open();
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override {
    if (depth_ <= 1 || in_metadata()) refuse_member();
    if (ListedTensor::Numbers* numbers = list()) {
      if (numbers->has_value()) refuse_member();
      numbers->emplace();
    }
    return open();
  }
  bool end_array() override { return close(); }

  bool key(std::string& text) override {
    if (depth_ == 1) name_ = std::move(text);
    if (depth_ == 2) field_ = std::move(text);
    return true;
  }
  bool string(std::string& text) override {
    if (depth_ <= 1 || list() != nullptr) refuse_member();
    if (depth_ != 2) return true;
    if (in_metadata())
      header_.metadata[field_] = std::move(text);
    else if (field_ == "dtype")
      header_.tensors.back().dtype = std::move(text);
    return true;
  }
  bool number_unsigned(std::uint64_t number) override {
    ListedTensor::Numbers* numbers = depth_ == 3 ? list() : nullptr;
    if (numbers == nullptr) return other();
    if ((*numbers)->size() == kMostDimensions) refuse_member();
    (*numbers)->push_back(number);
    return true;
  }
  // Some writers have `"__metadata__": null` for none.
  bool null() override { return (depth_ == 1 && in_metadata()) || other(); }
  bool boolean(bool) override { return other(); }
  bool number_integer(std::int64_t) override { return other(); }
  bool number_float(double, const std::string&) override { return other(); }
  bool binary(Json::binary_t&) override { return other(); }

  bool parse_error(std::size_t at, const std::string&, const Json::exception&) override {
    throw CheckpointError(format("its header is not JSON at byte {}", at));
  }

 private:
  bool in_metadata() const { return name_ == "__metadata__"; }

  bool open() {
    if (++depth_ > kDeepestMember) refuse_member();
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }

  void begin_tensor() {
    check_tensor_name(name_);
    if (header_.tensors.size() == kMostTensors)
      throw CheckpointError(format("its header lists more than {} tensors", kMostTensors));
    if (!names_.insert(name_).second) throw CheckpointError(format("{} is listed twice", name_));
    header_.tensors.push_back({name_, {}, {}, {}});
    field_.clear();
  }

  // The list of numbers that is being read, or about to be.
  ListedTensor::Numbers* list() {
    if (depth_ < 2 || in_metadata()) return nullptr;
    if (field_ == "shape") return &header_.tensors.back().shape;
    return field_ == "data_offsets" ? &header_.tensors.back().offsets : nullptr;
  }

  // What is neither text nor a length: passed over where it means nothing.
  bool other() {
    if (depth_ <= 1 || in_metadata() || list() != nullptr) refuse_member();
    return true;
  }

  [[noreturn]] void refuse_member() const {
    if (depth_ == 0) throw CheckpointError("its header is not a JSON object");
    throw CheckpointError(format("its header is not a list of tensors: {}{}{} is malformed",
                                 printable(name_), depth_ > 1 ? ": " : "",
                                 depth_ > 1 ? printable(field_) : ""));
  }

  SafetensorsHeader header_;
  std::unordered_set<std::string> names_;
  std::string name_;
  std::string field_;
  int depth_ = 0;
};

}  // namespace

SafetensorsHeader read_safetensors_header(std::string_view text) {
  HeaderReader reader;
  Json::sax_parse(text.begin(), text.end(), &reader);
  return reader.take();
}

}  // namespace onecycle
