#pragma once

#include "report/page/content.h"

#include <string>

namespace onecycle {

// One HTML page that asks for nothing but itself: style, script and drawings inside, and a policy
// (Content-Security-Policy) that forbids the browser anything else. `files`: the relative path of
// the figures' files; `has_png`: these exist too. `notes`: what could not be made.
std::string page_html(const PageContent& content, const std::string& files, bool has_png,
                      const std::vector<std::string>& notes);

extern const char* const kPageStyle;
extern const char* const kPageScript;

}  // namespace onecycle
