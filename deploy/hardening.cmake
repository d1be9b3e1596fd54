# What the compiler and the linker can do against mistakes in C that an attacker finds first; tests/check-hardening.sh reads it back from the binaries.
include(CheckCCompilerFlag)

# Flags that not every compiler or processor has.
foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard
             -ftrivial-auto-var-init=zero)
  string(MAKE_C_IDENTIFIER "EARSHOT_HAS${flag}" have)
  check_c_compiler_flag(${flag} ${have})
  if(${have})
    add_compile_options(${flag})
  endif()
endforeach()

# Without optimization there is nothing that _FORTIFY_SOURCE could check. Distributions' compilers may define a lower level by themselves.
add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
add_link_options(-Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code)
