#pragma once

namespace onecycle {

// All of the program: the command that `argv` names, its output and its errors. The exit code. To
// be called once, by main, before any thread is started.
int run_program(int argc, char** argv);

}  // namespace onecycle
