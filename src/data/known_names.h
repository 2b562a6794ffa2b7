#pragma once

#include <string>
#include <vector>

namespace onecycle {

// "did you mean 'b'? HOLDER has a, b, …", for a name that is none of the known ones: the one near
// it, where there is one, and the first ten.
std::string known_names(const std::string& name, const std::vector<std::string>& known,
                        const std::string& holder);

}  // namespace onecycle
