#include "data/formats.h"

namespace onecycle {

FormatRegistry builtin_formats() {
  FormatRegistry formats("data format");
  formats.add(idx_format());
  formats.add(cifar_format());
  formats.add(cifar_python_format());
  formats.add(image_folder_format());
  formats.add(packed_format());
  formats.add(synthetic_format());
  return formats;
}

}  // namespace onecycle
