#include <exception>
#include <iostream>

#include "app/cli.hpp"
#include "app/exit_code.hpp"

int main(int argc, char** argv) {
  try {
    return sluice::app::run_program(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "pgsluice: " << error.what() << "\n";
    return sluice::app::exit_failed;
  }
}
