/* resources.exe PROGRAM: prints what Windows knows about a program before it runs: its version information, a line
   each, and its manifest. */
#include <stdio.h>
#include <windows.h>

int wmain(int argc, wchar_t **argv)
{
	static const wchar_t *const names[] = {L"CompanyName", L"FileDescription", L"FileVersion", L"LegalCopyright",
					       L"OriginalFilename", L"ProductName", L"ProductVersion"};
	static char block[65536];
	struct { WORD language, codepage; } *translation;
	VS_FIXEDFILEINFO *fixed;
	UINT length;
	HMODULE module;
	HRSRC manifest;

	if (argc != 2 || !GetFileVersionInfoW(argv[1], 0, sizeof block, block) ||
	    !VerQueryValueW(block, L"\\", (void **)&fixed, &length) ||
	    !VerQueryValueW(block, L"\\VarFileInfo\\Translation", (void **)&translation, &length))
		return 1;
	printf("fixed: %u.%u.%u.%u\n", HIWORD(fixed->dwFileVersionMS), LOWORD(fixed->dwFileVersionMS),
	       HIWORD(fixed->dwFileVersionLS), LOWORD(fixed->dwFileVersionLS));
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		wchar_t path[100], *value;

		swprintf(path, 100, L"\\StringFileInfo\\%04x%04x\\%ls", translation->language, translation->codepage, names[i]);
		if (VerQueryValueW(block, path, (void **)&value, &length))
			printf("%ls: %ls\n", names[i], value);
	}
	module = LoadLibraryExW(argv[1], NULL, LOAD_LIBRARY_AS_DATAFILE);
	/* A program's own manifest has the number 1 (CREATEPROCESS_MANIFEST_RESOURCE_ID); 24 is RT_MANIFEST. */
	manifest = module ? FindResourceW(module, MAKEINTRESOURCEW(1), MAKEINTRESOURCEW(24)) : NULL;
	if (!manifest)
		return 2;
	return printf("%.*s", (int)SizeofResource(module, manifest), (char *)LockResource(LoadResource(module, manifest))) < 0;
}
