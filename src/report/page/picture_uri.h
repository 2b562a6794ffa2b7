#pragma once

#include "onecycle/evaluation_report.h"

#include <string>

namespace onecycle {

// The picture as a PNG inside a "data:" URI. Throws Error where its pixels do not fit its size.
std::string picture_uri(const SamplePicture& picture);

}  // namespace onecycle
