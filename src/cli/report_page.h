#pragma once

#include "onecycle/report.h"

#include "cli/console.h"

#include <string>

namespace onecycle {

// The page about the folder of a run, a range test or a tuning, with the run's verdict and machine.
// `page`: "" for report.html in the folder. `pictures`: PNG files too, which take seconds:
// `console` shows how far they are. Throws Error.
Report make_report(const std::string& folder, const std::string& page, bool pictures,
                   const Console& console);

// The same at the end of a command: what goes wrong is a warning, and a command that was
// interrupted before its first point has no page. Returns the page's path, or "".
std::string report_at_end(const std::string& folder, bool pictures, const Console& console);

}  // namespace onecycle
