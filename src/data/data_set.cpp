#include "onecycle/data.h"

#include "data/images/resize.h"

#include <ATen/ATen.h>

namespace onecycle {

namespace {

ImageSides sides_seen(const DataSet& data) {
  if (data.crop > 0) return {data.crop, data.crop};
  const ImageSides stored{data.train.images.size(2), data.train.images.size(3)};
  return data.resize > 0 ? resized_sides(stored, data.resize) : stored;
}

}  // namespace

const char* name_of(TargetKind kind) {
  switch (kind) {
    case TargetKind::classes:
      return "classes";
    case TargetKind::values:
      return "values";
    case TargetKind::labels:
      return "labels";
  }
  return "";
}

std::string counted(std::int64_t number, TargetKind kind) {
  std::string name = name_of(kind);
  if (number == 1) name = kind == TargetKind::classes ? "class" : name.substr(0, name.size() - 1);
  return std::to_string(number) + " " + name;
}

std::int64_t DataSet::channels() const {
  return is_pictures() ? train.images.size(1) : c10::multiply_integers(sample_shape());
}

std::int64_t DataSet::height() const { return is_pictures() ? sides_seen(*this).height : 1; }

std::int64_t DataSet::width() const { return is_pictures() ? sides_seen(*this).width : 1; }

std::vector<std::int64_t> DataSet::sample_shape() const {
  if (is_pictures()) return {channels(), height(), width()};
  return train.images.sizes().slice(1).vec();
}

std::int64_t DataSet::outputs() const {
  return static_cast<std::int64_t>(target_kind == TargetKind::values ? targets.names.size()
                                                                     : classes.size());
}

}  // namespace onecycle
