#pragma once

#include "formats/pickle/pickle.h"

#include <string>
#include <string_view>

namespace onecycle {

// The pickle of a file of torch.save. Throws PickleError; where it wants a stranger, with the line
// of Python that saves the weights alone. `name`: the file's, for that line.
Pickle torch_pickle(std::string_view bytes, const std::string& name);

// `expression`, of Python, saved to a file: the line that messages give.
std::string saved_in_python(const std::string& expression);

// A text as Python writes it, on one line.
std::string python_text(std::string_view text);

}  // namespace onecycle
